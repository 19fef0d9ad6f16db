/** Shows that a worker is there, for as long as its process lives and no longer. */
export interface Presence {
  /** @param onShownAgain is called when it could not be shown for a while, and can again */
  announce(workerId: string, onShownAgain: () => void): Promise<Announcement>
}

export interface Announcement {
  /** False while others must take the worker for gone. */
  isShown(): boolean
  end(): Promise<void>
}
