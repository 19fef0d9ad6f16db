import { PrismaPg } from '@prisma/adapter-pg'
import type pg from 'pg'
import type { Visibility } from '../contract/event.ts'
import { isTerminal } from '../contract/terminal.ts'
import type { RetryPolicy } from '../lifecycle/backoff.ts'
import type { QueuedRun } from '../ports/queue.ts'
import type { Store } from '../ports/store.ts'
import { assertUtf8 } from './connections/encoding.ts'
import type { Deliver, Deliveries } from './deliveries/deliveries.ts'
import { PrismaClient } from './prisma/generated/client.ts'
import * as reads from './prisma/reads.ts'
import { append } from './statements/append.ts'
import { claimRuns } from './statements/claim-runs.ts'
import { compactRuns } from './statements/compact-runs.ts'
import { createRuns } from './statements/create-runs.ts'
import { deleteEmptyConversations, deleteRuns } from './statements/delete-runs.ts'
import { readSteps, renewLeases, saveCheckpoint, saveStep } from './statements/hold-runs.ts'
import { createGetProgress, createReadEvents } from './statements/read-events.ts'
import { readTold } from './statements/read-told.ts'
import { readHistory } from './statements/read-history.ts'
import { recoverRuns } from './statements/recover-runs.ts'
import { listEvents } from './statements/list-events.ts'
import { requestCancel } from './statements/request-cancel.ts'
import { expireRuns, findUpkeep, giveTurns } from './statements/upkeep.ts'
import { readSettledWaits, readWaits, respond } from './statements/waits.ts'

interface PrismaStoreOptions {
  /** Shared with the queue and the bus, so that a process has one bound on its connections. */
  pool: pg.Pool
  /** Visibility of the events the store writes by itself. */
  visibilityOf(type: string): Visibility
  /** For attempts whose worker is lost. */
  retryPolicy: RetryPolicy
  deliveries: Deliveries
}

/** The store on PostgreSQL: prepared SQL where it is hot, Prisma everywhere else. */
export function createPrismaStore(options: PrismaStoreOptions): Store {
  const { pool, visibilityOf, retryPolicy, deliveries } = options
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) })

  /** Does what may deliver runs, and says so when it has committed. */
  async function delivering<T>(work: (deliver: Deliver) => Promise<T>): Promise<T> {
    const delivered: QueuedRun[] = []
    const result = await work((runs, tx) => {
      delivered.push(...runs)
      return deliveries.deliver(runs, tx)
    })
    if (delivered.length > 0) deliveries.committed(delivered)
    return result
  }

  return {
    createRuns: (runs, options) =>
      delivering((deliver) => createRuns(pool, { runs, ...options, visibilityOf }, deliver)),
    claimRuns: (lease, from) => claimRuns(deliveries, { ...lease, visibilityOf }, from),
    append: (batch) => delivering((deliver) => append(pool, batch, { deliver, visibilityOf })),
    findUpkeep: (minAgeMs) => findUpkeep(pool, minAgeMs),
    recoverRuns: (workerIds) =>
      delivering((deliver) => recoverRuns(pool, { workerIds, visibilityOf, retryPolicy }, deliver)),
    expireRuns: () => expireRuns(pool, visibilityOf),
    giveTurns: (turns) => delivering((deliver) => giveTurns(pool, turns, deliver)),
    compactRuns: (ageMs) => compactRuns(pool, ageMs),
    deleteRuns: (ageMs) => deleteRuns(pool, ageMs),
    deleteEmptyConversations: (ageMs) => deleteEmptyConversations(pool, ageMs),
    readWaits: (owner, runId) => readWaits(pool, owner, runId),
    readSettledWaits: (runId) => readSettledWaits(pool, runId),
    respond: (owner, answer) =>
      delivering((deliver) => respond(pool, { owner, ...answer, visibilityOf }, deliver)),
    saveCheckpoint: (runId, attempt, state) => saveCheckpoint(pool, { runId, attempt }, state),
    readSteps: (runId) => readSteps(pool, runId),
    readTold: (runId, types) => readTold(pool, runId, types),
    saveStep: (run, step) => saveStep(pool, run, step),
    renewLeases: (runs, ttlMs) => renewLeases(pool, runs, ttlMs),
    requestCancel: (owner, runId) => requestCancel(pool, { owner, runId }, visibilityOf),
    readEvents: createReadEvents(pool),
    readNewEvents: createReadEvents(pool),
    getProgress: createGetProgress(pool),
    listEvents: (owner, runId, page) => listEvents(pool, { owner, runId }, page),

    async getRun(owner, runId) {
      const run = await reads.getRun(prisma, owner, runId)
      if (run === null) return null
      return { ...run, waits: isTerminal(run.status) ? [] : ((await readWaits(pool, owner, runId)) ?? []) }
    },
    listRuns: (owner, filter, cursor) => reads.listRuns(pool, { owner, filter, cursor }),
    createConversation: (owner, conversation) => reads.createConversation(prisma, owner, conversation),
    getConversation: (owner, conversationId) => reads.getConversation(prisma, owner, conversationId),
    listConversations: (owner, filter, cursor) => reads.listConversations(pool, { owner, filter, cursor }),
    readHistory: (owner, conversationId, window) => readHistory(pool, { owner, conversationId }, window),

    async check() {
      await assertUtf8(pool)
      await pool.query('SELECT 1 FROM agent_runtime.run LIMIT 0')
    },
    async close() {
      await prisma.$disconnect()
    },
  }
}
