/** A run to follow from an event on. */
export interface RunToOpen {
  runId: string
  afterSeq: number
  lastSeq: number
  isOver: boolean
  /** It waits for a person or a time. Default: false. */
  isPaused?: boolean
}

/** How far the run has come; null when it was deleted. */
export type RunState = Pick<RunToOpen, 'lastSeq' | 'isOver' | 'isPaused'> | null
