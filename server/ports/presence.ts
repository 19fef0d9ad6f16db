/** Shows that a worker is there, for as long as its process lives and no longer. */
export interface Presence {
  /** @returns what ends it. */
  announce(workerId: string): Promise<() => Promise<void>>
}
