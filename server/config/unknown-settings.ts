// Finds settings that do not exist: a typing mistake, or the name that a setting has in another runtime. If they were
// ignored, the mistake would be noticed too late.
import { distanceBetween, nearest } from './nearest.ts'

interface ForeignSetting {
  key: string
  variable: string
  /** What to do instead, as the end of a sentence. */
  instead: string
  /** If this one is set too, it counts, and the other is not refused. */
  unless?: string
}

const FOREIGN: readonly ForeignSetting[] = [
  {
    key: 'maxRetries',
    variable: 'MAX_RETRIES',
    instead: 'set maxAttempts (MAX_ATTEMPTS), which counts the first attempt too',
    unless: 'MAX_ATTEMPTS',
  },
  {
    key: 'anonymousSessionModel',
    variable: 'ANONYMOUS_SESSION_MODEL',
    instead: 'look the session up in `authenticate` and answer with kind "anonymous"',
  },
]

const isOff = (value: unknown): boolean =>
  !value || (typeof value === 'string' && /^(0|false|off|no|none)$/i.test(value))

/** A sentence for each name of `given` that is not in `known`. */
export function unknownSettings(given: Record<string, unknown>, known: readonly string[]): string[] {
  const unknown = Object.keys(given).filter((key) => given[key] !== undefined && !known.includes(key))
  return unknown.flatMap((name) => {
    const foreign = FOREIGN.find(({ key, variable }) => name === key || name === variable)
    if (foreign !== undefined) return isOff(given[name]) ? [] : [refusal(name, foreign)]
    const meant = nearest(camelCase(name), known)
    return [`${name}: there is no such setting${meant === undefined ? '' : `, did you mean ${meant}?`}`]
  })
}

/** A sentence for each variable that is a setting of another runtime. */
export function foreignVariables(env: Record<string, string | undefined>): string[] {
  return FOREIGN.filter(({ variable, unless }) => {
    return !isOff(env[variable]) && !(unless !== undefined && env[unless])
  }).map((foreign) => refusal(foreign.variable, foreign))
}

/** Shorter names are too similar to each other. */
const MIN_LENGTH = 9
const MAX_DISTANCE = 2

/** A sentence for each variable that is probably a misspelt name of `known`, unless the right one is set. */
export function misspeltVariables(
  env: Record<string, string | undefined>,
  known: readonly string[],
): string[] {
  const missing = known.filter((name) => name.length >= MIN_LENGTH && !env[name])
  return Object.keys(env).flatMap((name) => {
    if (known.includes(name) || name.length < MIN_LENGTH - 1) return []
    const meant = missing.find((other) => isNear(name.toUpperCase(), other))
    return meant === undefined ? [] : [`The variable ${name} is not read. Did you mean ${meant}?`]
  })
}

function isNear(name: string, other: string): boolean {
  return Math.abs(name.length - other.length) <= MAX_DISTANCE && distanceBetween(name, other) <= MAX_DISTANCE
}

function refusal(name: string, { instead }: ForeignSetting): string {
  return `${name}: there is no such setting here; ${instead}`
}

/** Turns `MAX_ATTEMPTS` into `maxAttempts`; leaves other spellings unchanged. */
function camelCase(name: string): string {
  if (name !== name.toUpperCase()) return name
  return name.toLowerCase().replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase())
}
