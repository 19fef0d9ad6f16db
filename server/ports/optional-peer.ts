// Libraries that only those install who use them. Bundlers take an import for optional only where it stands in a `try`
// itself: then they warn of a package that is not installed, where they would else refuse to build. So each caller has
// one, with an import that is told of here.

/** What Node says of a package that is not there, and what bundlers say of one that was not there when they ran. */
const CODES: ReadonlySet<unknown> = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])

/** Whether an import threw `cause` because the package is not installed. */
export function isNotInstalled(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && CODES.has(cause.code)
}

/**
 * The library as it was imported.
 *
 * @throws what {@link isNotInstalled} knows, when it is the empty module that Next.js puts, with webpack, in the place of
 * an optional peer that is missing.
 */
export function notEmpty<T extends object>(library: T): T {
  if (Object.keys(library).some((name) => name !== 'default')) return library
  throw Object.assign(new Error('The module is empty.'), { code: 'MODULE_NOT_FOUND' })
}
