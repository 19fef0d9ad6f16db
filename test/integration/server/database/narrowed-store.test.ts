import { isDeepStrictEqual } from 'node:util'
import { v7 as uuidv7 } from 'uuid'
import { describe, expect } from 'vitest'
import { createTestStore } from '../../../support/store.ts'
import type { Owner, Reach } from '../../../../server/ports/owner.ts'
import type { Store } from '../../../../server/ports/store/store.ts'
import { newRun } from '../../../support/new-run.ts'
import { createTestPool } from '../../../support/pool.ts'
import { test as base } from '../../../support/runtime.ts'

const test = base.extend<{ store: Store }>({
  store: async ({ database }, use) => {
    const pool = createTestPool(database.url)
    await use(createTestStore(pool))
    await pool.end()
    // No queue has these runs.
    await database.sql('TRUNCATE agent_runtime.run, agent_runtime.event CASCADE')
  },
})

/** The store's methods that act for an owner. */
type OwnersMethod = {
  [K in keyof Store]: Store[K] extends (reach: Reach, ...rest: never[]) => unknown
    ? Reach extends Parameters<Store[K]>[0]
      ? K
      : never
    : never
}[keyof Store]

interface Scene {
  store: Store
  runId: string
  /** Of a run that failed. */
  brokenOffId: string
  conversationId: string
  fileId: string
  scheduleId: string
  memoryId: string
  deliveryId: string
}

const nothing = { items: [], nextCursor: null, previousCursor: null, count: 0 }
const page = { afterSeq: 0, limit: 10, visibilities: ['user'] as const }

const WEBHOOK = { url: 'https://hooks.example.com/', secret: `whsec_${'a'.repeat(40)}` }

/**
 * One call of each method, with its answer for a caller who does not own the rows. A missing method does not
 * compile.
 */
const CALLS: {
  [K in Exclude<OwnersMethod, 'createConversation'>]: {
    call(scene: Scene, reach: Reach): unknown
    answer: unknown
    /** Names the owner, however much the caller may see. */
    isOwners?: true
  }
} = {
  getRun: { call: ({ store, runId }, reach) => store.getRun(reach, runId), answer: null },
  inspectRun: { call: ({ store, runId }, reach) => store.inspectRun(reach, runId), answer: null },
  isKeyUsed: { call: ({ store }, reach) => store.isKeyUsed(reach, 'key'), answer: false, isOwners: true },
  getProgress: { call: ({ store, runId }, reach) => store.getProgress(reach, runId), answer: null },
  listWebhooks: {
    call: ({ store, conversationId }, reach) => store.listWebhooks(reach, { conversationId }),
    answer: null,
  },
  listCallerDeliveries: {
    call: ({ store }, reach) => store.listCallerDeliveries(reach, { limit: 10 }, null),
    answer: nothing,
  },
  getDelivery: { call: ({ store, deliveryId }, reach) => store.getDelivery(reach, deliveryId), answer: null },
  redeliverOwn: {
    call: ({ store, deliveryId }, reach) => store.redeliverOwn(reach, deliveryId),
    answer: null,
    isOwners: true,
  },
  readWaits: { call: ({ store, runId }, reach) => store.readWaits(reach, runId), answer: null },
  findWaitsBelow: {
    call: ({ store, runId }, reach) => store.findWaitsBelow(reach, runId, { name: 'w' }),
    answer: [],
  },
  requestCancel: {
    call: ({ store, runId }, reach) => store.requestCancel(reach, runId),
    answer: { kind: 'not-found' },
    isOwners: true,
  },
  respond: {
    call: ({ store, runId }, reach) =>
      store.respond(reach, {
        runId,
        wait: 'w',
        asked: { kind: 'input', details: null, schema: {} },
        value: 1,
        by: 'ada',
      }),
    answer: { kind: 'not-found' },
    isOwners: true,
  },
  sendMessage: {
    call: ({ store, runId }, reach) =>
      store.sendMessage(reach, { id: runId, runId, message: { role: 'user', content: 'Hi' }, key: null }),
    answer: { kind: 'not-found' },
    isOwners: true,
  },
  listEvents: {
    call: ({ store, runId }, reach) => store.listEvents(reach, runId, page),
    answer: { events: [], count: 0, hasMore: false },
  },
  listRuns: { call: ({ store }, reach) => store.listRuns(reach, { limit: 10 }, null), answer: nothing },
  listSpokenRuns: {
    call: ({ store }, reach) => store.listSpokenRuns(reach, { limit: 10 }, null),
    answer: nothing,
  },
  getConversation: {
    call: ({ store, conversationId }, reach) => store.getConversation(reach, conversationId),
    answer: null,
  },
  updateConversation: {
    call: ({ store, conversationId }, reach) =>
      store.updateConversation(reach, conversationId, { title: 'Changed' }),
    answer: null,
    isOwners: true,
  },
  selectBranch: {
    call: ({ store, conversationId, runId }, reach) =>
      store.selectBranch(reach, conversationId, `${runId}:0`),
    answer: null,
    isOwners: true,
  },
  listTurns: {
    call: ({ store, conversationId }, reach) => store.listTurns(reach, conversationId),
    answer: [],
  },
  moveTurn: {
    call: ({ store, conversationId, runId }, reach) =>
      store.moveTurn(reach, { conversationId, runId, before: runId }),
    answer: { kind: 'no-conversation' },
    isOwners: true,
  },
  hideConversation: {
    call: ({ store, conversationId }, reach) => store.hideConversation(reach, conversationId),
    answer: false,
    isOwners: true,
  },
  deleteRun: {
    call: ({ store, runId }, reach) => store.deleteRun(reach, runId),
    answer: 'not-found',
    isOwners: true,
  },
  listConversations: {
    call: ({ store }, reach) => store.listConversations(reach, { limit: 10, archived: 'all' }, null),
    answer: nothing,
  },
  readHistory: {
    call: ({ store, conversationId }, reach) =>
      store.readHistory(reach, conversationId, { limit: 10, offset: 0, includeFailedRuns: false }),
    answer: { messages: [], total: 0, progress: { newest: 0, open: [] } },
  },
  readSummaries: { call: ({ store, runId }, reach) => store.readSummaries(reach, [runId]), answer: [] },
  readReasoning: {
    call: ({ store, runId }, reach) =>
      store.readReasoning(reach, [{ id: 'thought', runId }], ['user', 'debug', 'internal']),
    answer: [],
  },
  readBrokenOff: {
    call: ({ store, brokenOffId }, reach) => store.readBrokenOff(reach, [brokenOffId], ['debug']),
    answer: [],
  },
  readConversationPlace: {
    call: ({ store, conversationId, runId }, reach) =>
      store.readConversationPlace(reach, { conversationId, runIds: [runId] }),
    answer: null,
  },
  getFile: { call: ({ store, fileId }, reach) => store.getFile(reach, fileId), answer: null },
  findFiles: {
    call: ({ store, fileId }, reach) => store.findFiles(reach, [fileId]),
    answer: [],
    isOwners: true,
  },
  listFiles: { call: ({ store }, reach) => store.listFiles(reach, { limit: 10 }, null), answer: nothing },
  getSchedule: { call: ({ store, scheduleId }, reach) => store.getSchedule(reach, scheduleId), answer: null },
  listSchedules: {
    call: ({ store }, reach) => store.listSchedules(reach, { limit: 10 }, null),
    answer: nothing,
  },
  pauseSchedule: {
    call: ({ store, scheduleId }, reach) => store.pauseSchedule(reach, scheduleId),
    answer: null,
    isOwners: true,
  },
  resumeSchedule: {
    call: ({ store, scheduleId }, reach) => store.resumeSchedule(reach, scheduleId, new Date()),
    answer: null,
    isOwners: true,
  },
  deleteSchedule: {
    call: ({ store, scheduleId }, reach) => store.deleteSchedule(reach, scheduleId),
    answer: false,
    isOwners: true,
  },
  getMemory: { call: ({ store, memoryId }, reach) => store.getMemory(reach, memoryId), answer: null },
  listMemories: {
    call: ({ store }, reach) => store.listMemories(reach, { limit: 10 }, null),
    answer: nothing,
  },
  expireFile: {
    call: ({ store, fileId }, reach) => store.expireFile(reach, fileId),
    answer: false,
    isOwners: true,
  },
}

const ADA: Reach = { id: 'ada', tenantId: 'acme', kind: 'user', scope: 'own' }

async function createScene(
  store: Store,
  sql: (text: string, values: unknown[]) => Promise<unknown>,
): Promise<Scene> {
  const [runId, brokenOffId, conversationId, fileId, scheduleId, memoryId, deliveryId] = Array.from(
    { length: 7 },
    () => uuidv7(),
  ) as [string, string, string, string, string, string, string]
  await store.createConversation(ADA, {
    id: conversationId,
    externalId: null,
    agentKey: null,
    title: null,
    metadata: {},
    webhooks: [WEBHOOK],
  })
  const messages = [{ role: 'user' as const, content: 'Hi' }]
  await store.createRuns([
    newRun({ id: runId, principal: ADA, conversationId, messages, idempotencyKey: 'key' }),
  ])
  // It waits for its turn.
  await store.createRuns([newRun({ principal: ADA, conversationId, messages })])
  await sql(
    `INSERT INTO agent_runtime.event (run_id, seq, attempt, type, visibility, payload, ts)
     VALUES ($1, 1, 1, 'reasoning.delta', 'user', $2, now())`,
    [runId, { messageId: 'thought', content: 'Hm.' }],
  )
  await sql('UPDATE agent_runtime.run SET last_seq = 1 WHERE id = $1', [runId])
  await store.createRuns([newRun({ id: brokenOffId, principal: ADA, messages })])
  await sql(
    `WITH failed AS (
       UPDATE agent_runtime.run SET last_seq = 1, status = 'failed', finished_at = now() WHERE id = $1 RETURNING id
     )
     INSERT INTO agent_runtime.event (run_id, seq, attempt, type, visibility, payload, ts)
     SELECT id, 1, 1, 'tool.call', 'debug', '{"toolCallId":"call","tool":"look","arguments":{}}', now() FROM failed`,
    [brokenOffId],
  )
  await sql(
    `WITH child AS (
       INSERT INTO agent_runtime.run (id, tenant_id, owner_id, owner_kind, agent_key, status, max_attempts, timeout_ms,
         parent_run_id, root_run_id, depth, detached, ordinal)
       SELECT gen_random_uuid(), tenant_id, owner_id, owner_kind, 'a', 'waiting', 1, 1, id, id, 1, false, NULL
       FROM agent_runtime.run WHERE id = $1
       RETURNING id
     )
     INSERT INTO agent_runtime.wait (run_id, name, occurrence, request)
     SELECT id, 'w', 1, '{"details":null,"schema":null}' FROM child`,
    [runId],
  )
  await store.beginUpload(
    { id: fileId, owner: ADA, name: null, mediaType: 'text/plain' },
    { maxBytes: 1, maxOwnerBytes: null, expiresInMs: 60_000 },
  )
  await store.endUpload(fileId, { size: 1, sha256: Buffer.alloc(32), expiresInMs: 60_000 })
  await store.createSchedule(
    {
      ...{
        id: scheduleId,
        owner: ADA,
        name: null,
        agentKey: 'a',
        cron: null,
        everySeconds: 60,
        timeZone: 'UTC',
      },
      ...{ messages: [], params: null, metadata: {}, conversationId: null },
      ...{ createdAt: new Date(), nextAt: new Date() },
    },
    1,
  )
  await sql(
    `INSERT INTO agent_runtime.memory (id, tenant_id, owner_id, namespace, key, value) VALUES ($1, 'acme', 'ada', 'n', 'k', '1')`,
    [memoryId],
  )
  await sql(
    `INSERT INTO agent_runtime.webhook_delivery (id, run_id, webhook_id, tenant_id, owner_id, owner_kind, event, seq)
     SELECT $1, $2, id, tenant_id, owner_id, owner_kind, 'run.succeeded', 1 FROM agent_runtime.webhook`,
    [deliveryId, runId],
  )
  return { store, runId, brokenOffId, conversationId, fileId, scheduleId, memoryId, deliveryId }
}

describe('what the store does on behalf of an owner', () => {
  test.for(Object.entries(CALLS))(
    '%s: finds nothing of anybody else’s',
    async ([, { call, answer }], { store, database }) => {
      const scene = await createScene(store, database.sql)
      for (const stranger of [...COLLEAGUES, ...OTHERS]) expect(await call(scene, stranger)).toEqual(answer)
      expect(await call(scene, ADA)).not.toEqual(answer)
    },
  )

  test.for(Object.entries(CALLS))(
    '%s: finds as much more as is reached, unless it is the owner’s to do',
    async ([, { call, answer, isOwners }], { store, database }) => {
      const scene = await createScene(store, database.sql)
      const finds = async (reach: Reach) => !isDeepStrictEqual(await call(scene, reach), answer)
      for (const reach of OTHERS) {
        expect([reach, await finds({ ...reach, scope: 'tenant' })]).toEqual([reach, false])
        expect([reach, await finds({ ...reach, scope: 'any' })]).toEqual([reach, isOwners !== true])
      }
      for (const reach of COLLEAGUES) {
        expect([reach, await finds({ ...reach, scope: 'tenant' })]).toEqual([reach, isOwners !== true])
        expect([reach, await finds({ ...reach, scope: 'any' })]).toEqual([reach, isOwners !== true])
      }
    },
  )

  test.for(Object.entries(CALLS))(
    '%s: refuses whoever is nobody, and whoever sees nobody knows how far',
    async ([, { call, isOwners }], { store, database }) => {
      const scene = await createScene(store, database.sql)
      for (const nobody of [...NOBODY, ...NOWHERE]) {
        // A method that names the owner needs no scope.
        if (isOwners === true && NOWHERE.includes(nobody)) continue
        await expect((async () => call(scene, nobody as Reach))()).rejects.toThrow(TypeError)
      }
    },
  )

  test('nobody creates anything, nor keeps others from it', async ({ store, database }) => {
    for (const nobody of NOBODY) {
      const conversation = {
        id: uuidv7(),
        externalId: null,
        agentKey: null,
        title: null,
        metadata: {},
        webhooks: [],
      }
      await expect(store.createConversation(nobody as Owner, conversation)).rejects.toThrow(TypeError)
      await expect(store.createRuns([newRun({ principal: nobody as Owner })])).rejects.toThrow(TypeError)
    }
    const answers = await Promise.allSettled(
      [...NOBODY, ADA].map((owner) => store.getProgress(owner as Reach, uuidv7())),
    )
    expect(answers.at(-1)).toEqual({ status: 'fulfilled', value: null })
    const counts = `SELECT (SELECT count(*)::int FROM agent_runtime.run) AS runs,
      (SELECT count(*)::int FROM agent_runtime.conversation) AS conversations`
    expect(await database.sql(counts)).toEqual([{ runs: 0, conversations: 0 }])
  })
})

const COLLEAGUES: Reach[] = [
  { ...ADA, id: 'bob' },
  { ...ADA, kind: 'anonymous' },
  { ...ADA, kind: 'public' },
]
const OTHERS: Reach[] = [
  { ...ADA, tenantId: '' },
  { ...ADA, id: 'bob', tenantId: 'globex' },
]

const NOWHERE: unknown[] = [
  { ...ADA, scope: undefined },
  { ...ADA, scope: 'ANY' },
  { ...ADA, scope: ['any'] },
  { ...ADA, scope: 'toString' },
]

const NOBODY: unknown[] = [
  {},
  { ...ADA, id: undefined },
  { ...ADA, tenantId: undefined },
  { ...ADA, kind: undefined },
  { ...ADA, id: '' },
  { ...ADA, id: null },
  { ...ADA, id: 1 },
  { ...ADA, id: { not: '' } },
  { ...ADA, tenantId: { contains: '' } },
  { ...ADA, kind: { not: 'public' } },
  { ...ADA, kind: 'toString' },
]
