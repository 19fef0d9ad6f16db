import { nowMicros, readStamps } from '../stamp.ts'
import type { ReceivedEvent } from './run-client.ts'

/** Takes the deltas of a measurement, over all its streams. */
export class DeltaSink {
  #isMeasuring = false
  #latencies = new Float64Array(65_536)
  #count = 0
  #receivedAt = 0

  readonly take = ({ data }: ReceivedEvent): void => {
    this.#receivedAt = nowMicros()
    readStamps(data, this.#onStamp)
  }

  readonly #onStamp = (emittedAt: number): void => {
    if (!this.#isMeasuring) return
    if (this.#count === this.#latencies.length) {
      const larger = new Float64Array(this.#count * 2)
      larger.set(this.#latencies)
      this.#latencies = larger
    }
    this.#latencies[this.#count++] = (this.#receivedAt - emittedAt) / 1000
  }

  startMeasuring(): void {
    this.#isMeasuring = true
  }

  /** @returns for each delta since the start, the milliseconds from emitting it to receiving it */
  stopMeasuring(): Float64Array {
    this.#isMeasuring = false
    return this.#latencies.subarray(0, this.#count)
  }
}
