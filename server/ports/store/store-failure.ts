/**
 * Why the store did not take a batch, where a single item may be to blame. `refused`: the store can't hold it, however
 * often it is tried. `contended`: another transaction was in the way, so a later try may succeed.
 */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure'
  readonly kind: 'refused' | 'contended'

  constructor(kind: StoreFailure['kind'], message: string, options?: { cause: unknown }) {
    super(message, options)
    this.kind = kind
  }
}

/** Whether the items of a failed batch are to be tried one by one. A single item that is refused is not tried again. */
export function mayBeOnes(error: unknown, count: number): boolean {
  return error instanceof StoreFailure && (count > 1 || error.kind === 'contended')
}
