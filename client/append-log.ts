/**
 * An immutable list that can only be appended to. Versions share one array, so appending to the newest
 * one costs the same at any length. Appending to an older one copies the array.
 */
export class AppendLog<T> {
  readonly length: number
  readonly #shared: T[]
  #array: readonly T[] | undefined

  constructor(shared: T[] = [], length: number = shared.length) {
    this.#shared = shared
    this.length = length
  }

  append(item: T): AppendLog<T> {
    const isNewest = this.#shared.length === this.length
    const shared = isNewest ? this.#shared : this.#shared.slice(0, this.length)
    shared.push(item)
    return new AppendLog(shared)
  }

  /** Returns the same array each time for one version. */
  toArray(): readonly T[] {
    return (this.#array ??= this.#shared.slice(0, this.length))
  }
}
