/**
 * The store rejected a batch, perhaps because of a single item. `refused`: the store can never hold it. `contended`:
 * another transaction was in the way, so a later try may succeed.
 */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure'
  readonly kind: 'refused' | 'contended'

  constructor(kind: StoreFailure['kind'], message: string, options?: { cause: unknown }) {
    super(message, options)
    this.kind = kind
  }
}

/** Whether to try the items of a failed batch one by one. A single refused item is not tried again. */
export function mayBeOnes(error: unknown, count: number): boolean {
  return error instanceof StoreFailure && (count > 1 || error.kind === 'contended')
}
