/** Follows a stream's `seq`, which has no gap from the cursor on. */
export class SequenceCheck {
  lastSeq: number
  missing = 0
  double = 0

  constructor(afterSeq: number) {
    this.lastSeq = afterSeq
  }

  take(seq: number): void {
    if (seq <= this.lastSeq) {
      this.double += 1
      return
    }
    this.missing += seq - this.lastSeq - 1
    this.lastSeq = seq
  }
}
