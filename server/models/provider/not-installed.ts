import { ModelError } from '../../ports/model.ts'

/** What Node says of a package that is not there, and what bundlers say of one that was not there when they ran. */
const CODES: ReadonlySet<unknown> = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])

/** What to throw where importing a provider's SDK threw `cause`: how to install it, if that is what is missing. */
export function notInstalled(packageName: string, cause: unknown): unknown {
  if (!(cause instanceof Error && 'code' in cause && CODES.has(cause.code))) return cause
  return new ModelError(`This model client needs the package "${packageName}": npm install ${packageName}`, {
    retriable: false,
    cause,
  })
}

/**
 * The SDK as it was imported.
 *
 * @throws what {@link notInstalled} knows, when it is the empty module that Next.js puts, with webpack, in the place of
 * an optional peer that is missing.
 */
export function notEmpty<T extends object>(sdk: T): T {
  if (Object.keys(sdk).some((name) => name !== 'default')) return sdk
  throw Object.assign(new Error('The module is empty.'), { code: 'MODULE_NOT_FOUND' })
}
