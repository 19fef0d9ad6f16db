const MIN_MS = 200
const MAX_MS = 30_000
/** A process that lived this long was sound. If it dies, its successor starts without much delay. */
const SOUND_AFTER_MS = 30_000

/** The delay before a process that died is started again; longer each time. */
export class RestartDelay {
  #nextMs = MIN_MS

  /** @param ranForMs how long the process lived. */
  after(ranForMs: number): number {
    const delayMs = ranForMs > SOUND_AFTER_MS ? MIN_MS : this.#nextMs
    this.#nextMs = Math.min(delayMs * 2, MAX_MS)
    return delayMs
  }
}
