/** The queue of an agent's runs that are executed in processes of their own. No agent's key has a slash. */
export const isolatedQueue = (agentKey: string): string => `isolated/${agentKey}`

/** A run to be delivered. */
export interface QueuedRun {
  id: string
  /** The agent's key, or its {@link isolatedQueue}. */
  agentKey: string
  /** `seq` of its newest event. Default: 0. */
  lastSeq?: number
  /** Set for a run that was just created, so that readers of its conversation are told. */
  conversationId?: string | null
  /** Among due deliveries, a higher priority comes first. Default: 0. */
  priority?: number
  /** Milliseconds before it may be delivered. Default: 0. */
  delayMs?: number
  /** ISO 8601: not before then. Default: at once. */
  runAt?: string | null
}

/**
 * Carries run ids to workers until one has claimed the run. From then on the lease counts. A delivery is a reason to
 * look at a run; the run's row decides what to do. The store adds and removes deliveries.
 */
export interface Queue {
  start(agentKeys: readonly string[]): Promise<void>
  /** Which of these agents have deliveries that are due. It is asked at each poll, so one question serves all agents. */
  findDue(agentKeys: readonly string[]): Promise<string[]>
  /** How many deliveries of these agents are due; no more than `limit` are counted for each. */
  countDue(agentKeys: readonly string[], limit: number): Promise<number>
  stop(): Promise<void>
}

/** A delivery that is due. Its run and `lastSeq` identify it, so a delivery that is sent twice exists once. */
export type DueRun = Required<Pick<QueuedRun, 'id' | 'agentKey' | 'lastSeq' | 'priority'>>

/** Deliveries that were taken. A delivery that is neither done nor given back can be taken again after some seconds. */
export interface Taken {
  runIds: readonly string[]
  /** The queue may have more deliveries. */
  mayHaveMore: boolean
  /** Removes deliveries whose runs were claimed. Never rejects. A delivery that could not be removed comes again. */
  done(): Promise<void>
  /** Gives back deliveries whose runs could not be claimed. They can be taken at once. Never rejects. */
  giveBack(): Promise<void>
}

/** A delivery, and the epoch of its queue when it was last known. */
export interface SentRun extends DueRun {
  epoch: string
}

export interface QueueState {
  /** A text that changes when deliveries may have been lost. */
  epoch: string
  /** How many deliveries it has, including those that were taken and are not done. */
  deliveries: number
}

/**
 * A queue outside of the store. It may lose everything, so the sender keeps each delivery until it has arrived. A part
 * that cannot be reached does not delay the others.
 */
export interface RemoteQueue extends Queue {
  /** Resolves with the deliveries that have arrived. Rejects when none has. */
  deliver(runs: readonly SentRun[]): Promise<SentRun[]>
  take(agentKey: string, limit: number): Promise<Taken>
  /**
   * Resolves with the state of the queues that can be reached. Makes deliveries available again that dead workers had
   * taken.
   */
  inspect(queues: readonly string[]): Promise<ReadonlyMap<string, QueueState>>
  /** Gives these queues a new epoch, because they are known to have lost deliveries. */
  renew(queues: readonly string[]): Promise<void>
}
