import type { Conversation, ListConversationsInput } from '../contract/conversation.ts'
import type { AnyRunEvent, Visibility } from '../contract/event.ts'
import type { Json, JsonObject } from '../contract/json.ts'
import type { Message } from '../contract/message.ts'
import type { Page, PageCursor } from '../contract/page.ts'
import type { ListRunsInput, Run, RunDetail, RunStatus } from '../contract/run.ts'
import type { PendingWait } from '../contract/wait.ts'
import type {
  AppendOutcome,
  ClaimResult,
  CompletedStep,
  RunAppend,
  SettledWait,
  ToldEvent,
} from './attempt.ts'
import type { CreatedRun, NewRun } from './create-run.ts'
import type { Owner } from './owner.ts'
import type { ChangedRun, Sweep, TurnsToGive, Upkeep } from './upkeep.ts'

/** How a worker holds what it claims. */
export interface Lease {
  workerId: string
  ttlMs: number
  /**
   * Agents whose runs are executed in processes of their own, as are runs that may be what ends their workers: they
   * are not claimed. Null: this worker claims those too.
   */
  isolatedAgents: readonly string[] | null
}

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

/** A page of a run's events; `count` is how many of them there are in all. */
export interface EventPage {
  events: readonly AnyRunEvent[]
  count: number
  hasMore: boolean
}

/**
 * Everything durable. Runs that are to be taken up are delivered by the store itself: with PostgreSQL's own queue in the
 * transaction that makes them so.
 */
export interface Store {
  /**
   * Creates runs with their messages in one transaction. Answers in the order of `runs`. A conversation or a key that
   * somebody holds is waited for no longer than `lockPatienceMs`.
   */
  createRuns(runs: readonly NewRun[], options?: { lockPatienceMs: number }): Promise<CreatedRun[]>
  /**
   * Takes deliveries of an agent and starts an attempt of each of their runs that is queued and due, or whose wait is
   * over, and writes its `run.started`. The others are over, in other hands, or have a delivery of their own for later.
   * A run that is refused fails, and no other with it.
   */
  claimRuns(lease: Lease, deliveries: { agentKey: string; limit: number }): Promise<ClaimResult>
  /**
   * Writes events and endings of many runs in one statement, each run fenced on its own.
   */
  append(batch: readonly RunAppend[]): Promise<Map<string, AppendOutcome>>
  saveCheckpoint(runId: string, attempt: number, state: Json): Promise<'written' | 'fenced'>
  readSteps(runId: string): Promise<CompletedStep[]>
  /** The run's events of these types. */
  readTold(runId: string, types: readonly string[]): Promise<ToldEvent[]>
  saveStep(
    run: { id: string; attempt: number },
    step: CompletedStep & { startedAt: string },
  ): Promise<'written' | 'fenced'>
  /** Prolongs the leases of a worker's running attempts in one statement. Runs it has lost are left out. */
  renewLeases(
    runs: readonly { id: string; attempt: number }[],
    ttlMs: number,
  ): Promise<{ id: string; cancelRequested: boolean }[]>
  /**
   * Null when a process is looking, or has looked less than `minAgeMs` ago: one look does for all. Otherwise one
   * statement, whatever there is to do.
   */
  findUpkeep(minAgeMs: number): Promise<Upkeep | null>
  /**
   * Takes runs from workers that are gone (`workerIds`) or let their lease run out: they are queued
   * again, or end when their attempts are used up or their cancellation was asked for.
   */
  recoverRuns(workerIds: readonly string[]): Promise<ChangedRun[]>
  /** Ends runs that were not started in time. */
  expireRuns(): Promise<ChangedRun[]>
  /** Gives the next run of each conversation its turn when none is under way there. */
  giveTurns(turns: TurnsToGive): Promise<ChangedRun[]>
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
  respond(owner: Owner, answer: { runId: string; wait: string; value: Json }): Promise<RespondOutcome>
  /** Ends a queued or waiting run at once; marks a running one. */
  requestCancel(owner: Owner, runId: string): Promise<CancelOutcome>
  /**
   * Events with `seq` greater than the cursor, in order, at most `limit`; fewer, but one at least, where they are
   * large.
   */
  readEvents(runId: string, afterSeq: number, limit: number): Promise<readonly AnyRunEvent[]>
  /** The same for who is up to date: never waits for those that catch up on much. */
  readNewEvents(runId: string, afterSeq: number, limit: number): Promise<readonly AnyRunEvent[]>

  /** How far a run is, as far as its owner may know. */
  getProgress(owner: Owner, runId: string): Promise<Pick<Run, 'status' | 'lastSeq'> | null>
  /**
   * A page of a run's events of these visibilities and of those that are announced to everybody, and how many of
   * them there are in all.
   */
  listEvents(
    owner: Owner,
    runId: string,
    page: { afterSeq: number; limit: number; visibilities: readonly Visibility[] },
  ): Promise<EventPage>

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
    owner: Owner,
    conversationId: string,
    window: { limit: number; offset: number; statuses: readonly RunStatus[] },
  ): Promise<{ messages: Message[]; total: number }>

  /** @throws when the database does not answer or its schema is missing. */
  check(): Promise<void>
  close(): Promise<void>
}
