import { nearest } from '../config/nearest.ts'

/** JavaScript has no compiler that would notice a slip: what to say of the first of `given` that is none of `known`. */
export function unknownOption(given: object, known: Readonly<Record<string, true>>): string | undefined {
  const names = Object.keys(known)
  const found = Object.entries(given).find(([name, value]) => value !== undefined && !names.includes(name))
  if (found === undefined) return undefined
  const meant = nearest(found[0], names)
  return `there is no option ${found[0]}${meant === undefined ? '.' : `, did you mean ${meant}?`}`
}
