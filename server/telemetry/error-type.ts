import { readError } from '../ports/read-error.ts'

/** Its code, where it has one: names of classes are cut short by bundlers. */
export function errorTypeOf(error: unknown): string {
  const { name, code } = readError(error)
  return typeof code === 'string' ? code : name || 'Error'
}
