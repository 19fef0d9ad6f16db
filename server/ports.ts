// The interfaces the inside is written against. Each is implemented in adapters/, picked in
// create-runtime.ts alone. `Model`, the port towards language models, is in llm/model.ts.
import type { Principal } from './contract/principal.ts'
import type { Conversation, ListConversationsInput } from './contract/conversation.ts'
import type { AnyRunEvent, Visibility } from './contract/event.ts'
import type { Json, JsonObject } from './contract/json.ts'
import type { Message } from './contract/message.ts'
import type { Page, PageCursor } from './contract/page.ts'
import type {
  ConversationPolicy,
  ListRunsInput,
  Run,
  RunDetail,
  RunError,
  RunStatus,
} from './contract/run.ts'
import type { TerminalStatus } from './contract/terminal.ts'
import type { PendingWait, WaitKind } from './contract/wait.ts'

/** Structured logging, the subset of pino's interface that is used here. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** The only source of time, so that tests can drive it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects, never keeps a process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Resolves when what is under way in this turn of the event loop, sockets included, has had its turn. */
  nextTurn(): Promise<void>
}

/** Rows a caller may see: everything the store reads on behalf of one is narrowed to it. */
export type Owner = Pick<Principal, 'id' | 'tenantId'>

export interface NewRun {
  id: string
  principal: Principal
  agentKey: string
  conversationId: string | null
  messages: readonly Message[]
  params: Json | null
  metadata: JsonObject
  maxAttempts: number
  timeoutMs: number
  idempotencyKey: string | null
  priority: number
  /** ISO 8601. */
  runAt: string | null
  expiresAt: string | null
  conversationPolicy: ConversationPolicy
}

/**
 * `created`: `interrupted` are the runs it takes the place of; those that were running are told to stop.
 * `existing`: its owner used the idempotency key before; this is the run of then.
 * `no-conversation`: the conversation is not there, or not the owner's.
 * `busy`: another run of the conversation is under way, and the policy is to refuse.
 */
export type CreatedRun =
  | { kind: 'created'; run: Run; interrupted: readonly ChangedRun[] }
  | { kind: 'existing'; run: Run }
  | { kind: 'no-conversation' }
  | { kind: 'busy'; runId: string }

/** A run whose status was changed from outside of an attempt, for those to be told who look at it. */
export interface ChangedRun {
  id: string
  agentKey: string
  status: RunStatus
  lastSeq: number
}

/** What has to be done though nobody asks for it. */
export interface Upkeep {
  /** Workers with running attempts that are not there any more, by what the database itself knows. */
  absentWorkerIds: string[]
  hasExpiredLease: boolean
  /** Runs that were not started in time. */
  hasExpiredRun: boolean
  /** Runs that wait for a turn that may have come. */
  hasTurn: boolean
}

/** What a batch of a sweep did. `isDone`: there was nothing to do, or somebody else is at it. */
export interface Sweep {
  rows: number
  isDone: boolean
}

/** A run handed to a worker: one attempt, which `attempt` fences. */
export interface ClaimedRun {
  id: string
  agentKey: string
  principal: Principal
  conversationId: string | null
  attempt: number
  /** Attempts that failed before this one. */
  failures: number
  maxAttempts: number
  priority: number
  /** `seq` of the newest event, `run.started` of this attempt. */
  lastSeq: number
  params: Json | null
  metadata: JsonObject
  /** History of the conversation, then the run's own input. */
  messages: Message[]
  state: Json | undefined
  timeoutMs: number
  cancelRequested: boolean
}

/** `unclaimed` are those that were taken and not there to be claimed. */
export interface ClaimResult {
  claimed: ClaimedRun[]
  unclaimed: string[]
  mayHaveMore: boolean
}

/** An event on its way to the store; the writer has given it its `seq`. */
export interface NewEvent {
  seq: number
  type: string
  visibility: Visibility
  /** JSON text, so that it is made once for every adapter that carries it. */
  payload: string
  ts: string
}

/** A step that completed; `result` is undefined when it returned nothing. */
export interface CompletedStep {
  name: string
  /** Which of the steps of that name, from 1, in order of call. */
  occurrence: number
  result: Json | undefined
}

/** Something an attempt stops for until it is answered or its time is up. */
export interface NewWait {
  name: string
  /** Which of the waits of that name, from 1, in order of call. */
  occurrence: number
  kind: WaitKind
  details: Json
  schema: Json
  timeoutMs: number | null
}

/** A wait that is over: how. */
export interface SettledWait {
  name: string
  occurrence: number
  status: 'answered' | 'timed_out'
  value: Json
  respondedBy: string | null
}

/** How a run ends, for good. */
export interface RunEnding {
  status: TerminalStatus
  output: Json | null
  error: RunError | null
  messages: readonly Message[]
}

/** How an attempt ends without ending its run: the run is queued again. */
export interface RunRelease {
  status: 'queued'
  agentKey: string
  priority: number
  /** Milliseconds before another worker may take it. */
  delayMs: number
  /** Whether it counts against the run's `maxAttempts`: a failure does, a draining worker does not. */
  isFailure: boolean
}

/** How an attempt ends that waits: the run is queued again when one of these is over. */
export interface RunSuspension {
  status: 'waiting'
  agentKey: string
  priority: number
  waits: readonly NewWait[]
}

/** How an attempt ends. */
export type AttemptEnding = RunEnding | RunRelease | RunSuspension

/** One run's share of a flush. */
export interface RunAppend {
  runId: string
  attempt: number
  /** `seq` of the event before the first of `events`: the row must still be there. */
  baseSeq: number
  events: readonly NewEvent[]
  /** Set when the last of `events` is the attempt's last. */
  ending?: AttemptEnding
}

/**
 * `written`: committed, now or by an earlier try of the same append whose answer got lost.
 * `fenced`: another attempt has the run, or it is over; nothing of it was written.
 * `cancel-requested`: an ending other than `cancelled` came after a cancel; nothing of it was written.
 */
export type AppendOutcome = 'written' | 'fenced' | 'cancel-requested'

/** What became of a cancel request. */
export type CancelOutcome =
  | { kind: 'cancelled'; run: Run }
  | { kind: 'requested'; run: Run }
  | { kind: 'already-ended'; run: Run }
  | { kind: 'not-found' }

/** What became of an answer to a wait. `not-waiting`: nothing of that name was ever waited for. */
export type RespondOutcome =
  | { kind: 'accepted'; run: Run }
  | { kind: 'already-settled'; run: Run }
  | { kind: 'not-waiting'; run: Run }
  | { kind: 'not-found' }

/** A transaction of the store, for what must commit with it. */
export interface Transaction {
  /**
   * A statement with a `name`, unique to its text, is planned once a connection. Statements go out at once, in the
   * order they are asked for: those that do not need each other's answers need not wait for them.
   */
  query(statement: {
    text: string
    values?: unknown[]
    name?: string
  }): Promise<{ rows: Record<string, unknown>[] }>
}

/** Everything durable but the queue. */
export interface Store {
  /**
   * Creates runs with their messages, then calls `enqueue` with those that are new, all in one
   * transaction. Answers in the order of `runs`.
   */
  createRuns(runs: readonly NewRun[], enqueue: Enqueue): Promise<CreatedRun[]>
  /**
   * Starts an attempt of each run that `take` yields and that is queued and due, or whose wait is over, and
   * writes its `run.started`. The others are over, in other hands, or have a delivery of their own for later.
   * Taking, claiming and forgetting the deliveries commit together.
   */
  claimRuns(
    lease: { workerId: string; ttlMs: number },
    take: (tx: Transaction) => Promise<Taken>,
  ): Promise<ClaimResult>
  /**
   * Writes events and endings of many runs in one statement, each run fenced on its own. With releases or
   * suspensions among them, `enqueue` is called with what is to be delivered again, in the same transaction.
   */
  append(batch: readonly RunAppend[], enqueue: Enqueue): Promise<Map<string, AppendOutcome>>
  saveCheckpoint(runId: string, attempt: number, state: Json): Promise<'written' | 'fenced'>
  readSteps(runId: string): Promise<CompletedStep[]>
  saveStep(
    run: { id: string; attempt: number },
    step: CompletedStep & { startedAt: string },
  ): Promise<'written' | 'fenced'>
  /** Prolongs the leases of a worker's running attempts in one statement. Runs it has lost are left out. */
  renewLeases(
    runs: readonly { id: string; attempt: number }[],
    ttlMs: number,
  ): Promise<{ id: string; cancelRequested: boolean }[]>
  /** One statement, whatever there is to do. */
  findUpkeep(): Promise<Upkeep>
  /**
   * Takes runs from workers that are gone (`workerIds`) or let their lease run out: they are queued
   * again, or end when their attempts are used up or their cancellation was asked for.
   */
  recoverRuns(workerIds: readonly string[], enqueue: Enqueue): Promise<ChangedRun[]>
  /** Ends runs that were not started in time. */
  expireRuns(): Promise<ChangedRun[]>
  /**
   * Gives the next run of each conversation its turn when none is under way there; null for all conversations.
   */
  giveTurns(conversationIds: readonly string[] | null, enqueue: Enqueue): Promise<ChangedRun[]>
  /**
   * Folds the deltas of some of the runs that ended so long ago into their messages. From any cursor, what a
   * reader has and what is left add up to the same view as before.
   */
  compactRuns(ageMs: number): Promise<Sweep>
  /** Deletes some of the runs that ended so long ago, oldest first, with their conversations if that old too. */
  deleteRuns(ageMs: number): Promise<Sweep>
  /** Deletes conversations that were created so long ago and never had a run. */
  deleteEmptyConversations(ageMs: number): Promise<Sweep>
  /** What a run waits for, and what for answers they have to have; null when it is not the owner's. */
  readWaits(owner: Owner, runId: string): Promise<PendingWait[] | null>
  /** The run's waits that are over. */
  readSettledWaits(runId: string): Promise<SettledWait[]>
  /** Settles the oldest pending wait of that name, and has a waiting run go on. */
  respond(
    owner: Owner,
    answer: { runId: string; wait: string; value: Json },
    enqueue: Enqueue,
  ): Promise<RespondOutcome>
  /** Ends a queued or waiting run at once; marks a running one. */
  requestCancel(owner: Owner, runId: string): Promise<CancelOutcome>
  /** Events with `seq` greater than the cursor, in order, at most `limit`; fewer, but one at least, where they are large. */
  readEvents(runId: string, afterSeq: number, limit: number): Promise<readonly AnyRunEvent[]>
  /** The same for who is up to date: never waits for those that catch up on much. */
  readNewEvents(runId: string, afterSeq: number, limit: number): Promise<readonly AnyRunEvent[]>

  /** How far a run is, as far as its owner may know. */
  getProgress(owner: Owner, runId: string): Promise<Pick<Run, 'status' | 'lastSeq'> | null>
  /** A page of a run's events of these visibilities, and how many of them there are in all. */
  listEvents(
    runId: string,
    page: { afterSeq: number; limit: number; visibilities: readonly Visibility[] },
  ): Promise<{ events: AnyRunEvent[]; count: number }>

  getRun(owner: Owner, runId: string): Promise<RunDetail | null>
  listRuns(owner: Owner, filter: Omit<ListRunsInput, 'cursor'>, cursor: PageCursor | null): Promise<Page<Run>>
  createConversation(
    owner: Owner,
    conversation: { id: string; agentKey: string | null; title: string | null; metadata: JsonObject },
  ): Promise<Conversation>
  getConversation(owner: Owner, conversationId: string): Promise<Conversation | null>
  listConversations(
    owner: Owner,
    filter: Omit<ListConversationsInput, 'cursor'>,
    cursor: PageCursor | null,
  ): Promise<Page<Conversation>>
  /** A window of a conversation's messages, oldest first; `offset` counts back from the newest. */
  readHistory(
    conversationId: string,
    window: { limit: number; offset: number; statuses: readonly RunStatus[] },
  ): Promise<{ messages: Message[]; total: number }>

  /** @throws when the database does not answer or its schema is missing. */
  check(): Promise<void>
  close(): Promise<void>
}

/** A run to be delivered. */
export interface QueuedRun {
  id: string
  agentKey: string
  /** Of deliveries that are due, those with a higher one come first. Default: 0. */
  priority?: number
  /** Milliseconds before it may be delivered. Default: 0. */
  delayMs?: number
  /** ISO 8601: not before then. Default: at once. */
  runAt?: string | null
}

export type Enqueue = (runs: readonly QueuedRun[], tx: Transaction) => Promise<void>

/** Deliveries of runs, taken in a transaction. */
export interface Taken {
  runIds: readonly string[]
  /** There may be more to take. */
  mayHaveMore: boolean
  /** Deletes them, in that transaction. */
  forget(): Promise<void>
}

/** Carries run ids to workers until one has claimed them: then the lease takes over. */
export interface Queue {
  start(agentKeys: readonly string[]): Promise<void>
  enqueue: Enqueue
  /** Up to `limit` deliveries for one agent, for as long as the transaction lasts. */
  take(agentKey: string, limit: number, tx: Transaction): Promise<Taken>
  stop(): Promise<void>
}

/** Times that recur. */
export interface Recurrence {
  cron: string
  /** IANA name. */
  timeZone: string
}

export interface ScheduleRef {
  agentKey: string
  /** Unique among the agent's. */
  name: string
}

/** Knows when what recurs is due, and tells others which schedules there are. Times are in ms since the epoch. */
export interface Timetable {
  /** The first occurrence after `after`; undefined when there is none. @throws Error saying what is wrong with it. */
  next(recurrence: Recurrence, after: number): number | undefined
  /**
   * Makes `schedules` those of the agents with these keys; other agents', of other deployments, stay.
   *
   * @returns since when each has been what it is.
   */
  publish(
    agentKeys: readonly string[],
    schedules: readonly (ScheduleRef & Recurrence)[],
  ): Promise<(ScheduleRef & { since: number })[]>
}

/** Shows that a worker is there, for as long as its process lives and no longer. */
export interface Presence {
  /** @returns what ends it. */
  announce(workerId: string): Promise<() => Promise<void>>
}

/**
 * Something happened that others may want to look at. A reason to look, and never what is relied on: the
 * store has the truth.
 */
export type Hint =
  /** `seq` is the newest. Where the bus carries payloads, `events` are the newest ones, without gaps up to `seq`. */
  | { kind: 'events'; runId: string; seq: number; events?: readonly AnyRunEvent[] | undefined }
  | { kind: 'cancel'; runId: string }
  | { kind: 'queued'; agentKey: string }

/** A hint on its way out. `written` is what the newest events came from, for buses that carry payloads. */
export type NewHint =
  | Exclude<Hint, { kind: 'events' }>
  | { kind: 'events'; runId: string; seq: number; written?: readonly RunAppend[] }

export interface HintListener {
  onHint(hint: Hint): void
  /** Called after every gap in listening: look at everything once. */
  onResync(): void
}

/** Hints of one run arrive in the order of their `seq`; those that came close together may arrive as one. */
export interface EventBus {
  /**
   * Resolves when hints arrive here, or when polling has to do for now. Rejects with the reason when the
   * bus is set up wrongly.
   */
  start(): Promise<void>
  /** Sends hints after their cause has committed. Never throws: a lost hint costs latency only. */
  publish(hints: readonly NewHint[]): void
  /** @returns what unsubscribes. */
  subscribe(listener: HintListener): () => void
  /** Sends what was published, then ends the connections. */
  stop(): Promise<void>
}
