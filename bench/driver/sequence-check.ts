/** Checks a stream's `seq`: it grows from the cursor on. Events that are not shown leave gaps. */
export class SequenceCheck {
  readonly #afterSeq: number
  readonly #seen = new Set<number>()
  lastSeq: number
  double = 0

  constructor(afterSeq: number) {
    this.#afterSeq = afterSeq
    this.lastSeq = afterSeq
  }

  take(seq: number): void {
    if (seq <= this.lastSeq) {
      this.double += 1
      return
    }
    this.#seen.add(seq)
    this.lastSeq = seq
  }

  get count(): number {
    return this.#seen.size
  }

  /**
   * How many events another stream of the run has brought, and this one has not, from this one's cursor up to
   * `end`.
   */
  missingOf(witness: SequenceCheck, end = Infinity): number {
    const isMissing = (seq: number) => seq > this.#afterSeq && seq <= end && !this.#seen.has(seq)
    return [...witness.#seen].filter(isMissing).length
  }
}
