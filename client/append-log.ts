/**
 * A list that is only ever appended to, immutable from outside. Versions share one array, so that
 * appending to the newest one costs the same however long it is; appending to an older one copies.
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

  /** The same array each time, as long as this version is asked. */
  toArray(): readonly T[] {
    return (this.#array ??= this.#shared.slice(0, this.length))
  }
}
