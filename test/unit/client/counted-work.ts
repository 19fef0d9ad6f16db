// Counts the items of lists, maps and sets that code visits or copies. Unlike time, the count is the same on every machine.

const LOOKS = [
  'filter',
  'find',
  'findIndex',
  'findLast',
  'findLastIndex',
  'flatMap',
  'map',
  'some',
  'every',
  'reduce',
  'forEach',
] as const
const COPIES = [
  'slice',
  'splice',
  'concat',
  'includes',
  'indexOf',
  'lastIndexOf',
  'toSpliced',
  'with',
] as const

type Method = (this: { length: number }, ...args: unknown[]) => unknown
type Methods = Record<PropertyKey, Method>

/** Counts the items that `work` visits with JavaScript's own methods and iterators. `work` must be synchronous. */
export function countItems(work: () => void): number {
  let items = 0
  const restores: (() => void)[] = []
  function replace(prototype: object, name: PropertyKey, make: (original: Method) => Method): void {
    const methods = prototype as Methods
    const original = methods[name]!
    const descriptor = Object.getOwnPropertyDescriptor(prototype, name)!
    Object.defineProperty(prototype, name, { ...descriptor, value: make(original) })
    restores.push(() => Object.defineProperty(prototype, name, descriptor))
  }
  for (const name of LOOKS) {
    replace(
      Array.prototype,
      name,
      (original) =>
        function (look, ...more) {
          const counted = (...args: unknown[]) => {
            items += 1
            return (look as (...all: unknown[]) => unknown)(...args)
          }
          return original.call(this, counted, ...more)
        },
    )
  }
  for (const name of COPIES) {
    replace(
      Array.prototype,
      name,
      (original) =>
        function (...args) {
          items += this.length
          return original.apply(this, args)
        },
    )
  }
  // A spread asks an array, a map or a set for its iterator, and so do the constructors of the latter.
  for (const { prototype } of [Array, Map, Set]) {
    replace(
      prototype,
      Symbol.iterator,
      (original) =>
        function () {
          items += 'size' in this ? Number(this.size) : this.length
          return original.call(this)
        },
    )
  }
  try {
    work()
  } finally {
    for (const restore of restores) restore()
  }
  return items
}
