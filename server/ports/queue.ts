/** The queue of an agent's runs that are executed in processes of their own. No agent's key has a slash. */
export const isolatedQueue = (agentKey: string): string => `isolated/${agentKey}`

/** A run to be delivered. */
export interface QueuedRun {
  id: string
  /** Or what {@link isolatedQueue} makes of it. */
  agentKey: string
  /** `seq` of its newest event. Default: 0. */
  lastSeq?: number
  /** Of a run that was just created: those who follow its conversation are told. */
  conversationId?: string | null
  /** Of deliveries that are due, those with a higher one come first. Default: 0. */
  priority?: number
  /** Milliseconds before it may be delivered. Default: 0. */
  delayMs?: number
  /** ISO 8601: not before then. Default: at once. */
  runAt?: string | null
}

/**
 * Carries run ids to workers until one has claimed them. Then the lease takes over. A delivery is a reason to look at a
 * run, and the run's row decides what there is to do. The store puts runs in and takes them out.
 */
export interface Queue {
  start(agentKeys: readonly string[]): Promise<void>
  /** Which of these agents have deliveries that are due. It is asked at each poll, so one question serves all agents. */
  findDue(agentKeys: readonly string[]): Promise<string[]>
  /** How many deliveries of these agents are due; no more than `limit` are counted for each. */
  countDue(agentKeys: readonly string[], limit: number): Promise<number>
  stop(): Promise<void>
}

/** A delivery that is due. Its run and `lastSeq` name it: what is delivered twice is there once. */
export type DueRun = Required<Pick<QueuedRun, 'id' | 'agentKey' | 'lastSeq' | 'priority'>>

/** Deliveries that were taken. One that is neither done nor given back can be taken again after some seconds. */
export interface Taken {
  runIds: readonly string[]
  /** There may be more to take. */
  mayHaveMore: boolean
  /** Removes deliveries whose runs were claimed. Never rejects. One that could not be removed comes again. */
  done(): Promise<void>
  /** Gives back deliveries whose runs could not be claimed. They can be taken at once. Never rejects. */
  giveBack(): Promise<void>
}

/** A delivery, and what its queue said of itself at some time before. */
export interface SentRun extends DueRun {
  epoch: string
}

export interface QueueState {
  /** A text that changes when deliveries may have been lost. */
  epoch: string
  /** How many it has, those among them that were taken and are not done. */
  deliveries: number
}

/**
 * A queue outside of the store. It may lose everything, so the sender keeps each delivery until it has arrived. Parts of
 * it that can't be reached do not hold up the others.
 */
export interface RemoteQueue extends Queue {
  /** Resolves with those that it has now. Rejects when it has none. */
  deliver(runs: readonly SentRun[]): Promise<SentRun[]>
  take(agentKey: string, limit: number): Promise<Taken>
  /** Resolves with the state of those queues that can be reached. Gives out again what was taken by who has died. */
  inspect(queues: readonly string[]): Promise<ReadonlyMap<string, QueueState>>
  /** Has these name another epoch: they are known to have lost something. */
  renew(queues: readonly string[]): Promise<void>
}
