import { MAX_DEPTH } from '../contract/json.ts'

/** Where in a value there is something that JSON leaves out or can't hold; undefined when there is nothing. */
export function describeUnspeakable(value: unknown): string | undefined {
  let found: string | undefined
  /** From the outermost in: the object that is being written, those it is in, and under which keys. */
  const open: { holder: unknown; key: string; value: unknown }[] = []

  function look(this: unknown, key: string, inner: unknown): unknown {
    while (open.length > 0 && open.at(-1)?.value !== this) open.pop()
    const problem =
      problemOf(inner) ??
      (open.some((outer) => outer.value === inner) ? 'contains itself' : undefined) ??
      (open.length > MAX_DEPTH ? `is nested deeper than ${MAX_DEPTH} levels` : undefined)
    if (problem !== undefined) {
      const path = [...open, { holder: this, key }].slice(1).map(stepTo).join('').replace(/^\./, '')
      found ??= `${path === '' || path.length > MAX_PATH ? 'it' : path} ${problem}`
    }
    // Once is enough, and what contains itself has no end.
    if (found !== undefined) return undefined
    if (typeof inner === 'object' && inner !== null) open.push({ holder: this, key, value: inner })
    return inner
  }
  try {
    JSON.stringify(value, look)
  } catch {
    // A getter or `toJSON` that throws: whoever asks has its error.
  }
  return found
}

const MAX_PATH = 200

function problemOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'bigint':
      return 'is a BigInt'
    case 'function':
      return 'is a function'
    case 'symbol':
      return 'is a symbol'
    case 'object':
      return value !== null && isCollection(value) ? `is a ${value.constructor.name}` : undefined
    default:
      return undefined
  }
}

function stepTo({ holder, key }: { holder: unknown; key: string }): string {
  if (Array.isArray(holder)) return `[${key}]`
  return /^[\p{L}_$][\p{L}\d_$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

/** What JSON.stringify makes `{}` of, whatever is in it. */
export function isCollection(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return false
  return [Map, Set, WeakMap, WeakSet, Promise].some((type) => value instanceof type)
}
