// Optional peers: packages that only their users install. Bundlers take an import as optional only where it stands in a
// `try` block, and then warn instead of failing. So each caller has its own `try` and asks here what its error means.

/** The codes of a missing package: Node's, and those that bundlers put in place of a package that was missing. */
const CODES: ReadonlySet<unknown> = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])

/** Whether an import threw `cause` because the package is not installed. */
export function isNotInstalled(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && CODES.has(cause.code)
}

/**
 * The library as it was imported.
 *
 * @throws an error that {@link isNotInstalled} recognises, when the module is empty: Next.js with webpack puts an empty
 * module in place of a missing optional peer.
 */
export function notEmpty<T extends object>(library: T): T {
  if (Object.keys(library).some((name) => name !== 'default')) return library
  throw Object.assign(new Error('The module is empty.'), { code: 'MODULE_NOT_FOUND' })
}
