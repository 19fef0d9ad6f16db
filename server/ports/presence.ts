/** Shows other processes that a worker is there. This ends when its process dies. */
export interface Presence {
  /** @param onShownAgain is called when it could not be shown for a while, and can again */
  announce(workerId: string, onShownAgain: () => void): Promise<Announcement>
}

export interface Announcement {
  /** False while other processes see the worker as gone. */
  isShown(): boolean
  end(): Promise<void>
}
