/** Shows other processes that a worker lives. The sign ends with the worker's process. */
export interface Presence {
  /** @param onShownAgain called when the worker is shown again after a time in which it was not */
  announce(workerId: string, onShownAgain: () => void): Promise<Announcement>
}

export interface Announcement {
  /** False while other processes see the worker as gone. */
  isShown(): boolean
  end(): Promise<void>
}
