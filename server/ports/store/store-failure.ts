/**
 * Why the store did not take something, where one item of a batch alone may be to blame for it. `refused`: it can't hold
 * what it was given, and won't another time. `contended`: another transaction was in the way; another time it may not be.
 */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure'
  readonly kind: 'refused' | 'contended'

  constructor(kind: StoreFailure['kind'], message: string, options?: { cause: unknown }) {
    super(message, options)
    this.kind = kind
  }
}

/** Whether the items of a batch that failed so are to be tried one by one. What is refused is not tried again alone. */
export function mayBeOnes(error: unknown, count: number): boolean {
  return error instanceof StoreFailure && (count > 1 || error.kind === 'contended')
}
