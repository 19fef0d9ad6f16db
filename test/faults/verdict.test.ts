// Tests the verdict beyond the database's own state, on a scene that fails in each way.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Ran } from './scene/load.ts'
import type { Loss } from './scene/losses.ts'
import type { ScenePostgres } from './scene/postgres.ts'
import { startPostgres } from './scene/postgres.ts'
import { verdictOf } from './scene/verdict.ts'

const ID = '01900000-0000-7000-8000-000000000001'

let postgres: ScenePostgres
beforeAll(async () => {
  postgres = await startPostgres()
  // Its first attempt was taken over after ten seconds, and its second ended it.
  await postgres.sql(
    `INSERT INTO agent_runtime.run
       (id, owner_id, agent_key, status, attempt, max_attempts, last_seq, timeout_ms, created_at, started_at, finished_at)
     VALUES ($1, 'o', 'steps', 'succeeded', 2, 3, 4, 1000, to_timestamp(0), to_timestamp(0), to_timestamp(20))`,
    [ID],
  )
  await postgres.sql(
    `INSERT INTO agent_runtime.event (run_id, seq, attempt, type, visibility, payload, ts)
     VALUES ($1, 1, 1, 'run.started', 'user', '{}', to_timestamp(0)),
       ($1, 2, 1, 'run.retrying', 'user', '{"delayMs": 0}', to_timestamp(10)),
       ($1, 3, 2, 'run.started', 'user', '{}', to_timestamp(10)),
       ($1, 4, 2, 'run.succeeded', 'user', '{}', to_timestamp(20))`,
    [ID],
  )
  await postgres.sql(
    `INSERT INTO agent_runtime.step (run_id, attempt, name, occurrence, started_at, completed_at)
     VALUES ($1, 1, 'odd', 1, to_timestamp(1), to_timestamp(2))`,
    [ID],
  )
  await postgres.sql(
    `INSERT INTO faults.trace (run_id, attempt, kind, name, occurrence, pid, begun_at, at)
     VALUES ($1, 1, 'started', '', 0, 1, to_timestamp(0), to_timestamp(0)),
       ($1, 1, 'step', 'odd', 1, 1, to_timestamp(1), to_timestamp(1)),
       ($1, 1, 'over', '', 0, 1, to_timestamp(12), to_timestamp(12))`,
    [ID],
  )
}, 60_000)
afterAll(() => postgres[Symbol.asyncDispose]())

const told: Ran = {
  id: ID,
  plan: { agentKey: 'steps', params: {}, follower: 'sse', twice: undefined, cancelAfterMs: 0 },
  seen: { seqs: [1, 2, 3, 4], attempts: [1, 1, 2, 2], lastType: 'run.succeeded' },
  cancel: 'refused',
}
const loss: Loss = { how: 'stopped', at: 0, pid: 1, held: [{ id: ID, attempt: 1 }], resumedAt: 11_000 }
const seen = { seqs: [1, 2, 3, 4], attempts: [1, 1, 2, 2], lastType: 'run.succeeded' }

const judge = async (ran: Ran[], losses: Loss[] = [loss]) =>
  Object.keys(await verdictOf(postgres, { ran, losses }))

test('nothing is wrong with a run that was taken over as it should be', async () => {
  expect(await judge([told])).toEqual([])
})

const READERS = 'readers see every event exactly once, in order'
const CANCELS = 'a cancel that was accepted holds; a refused one came too late'
const ENDS = 'a run ends as its agent does, whatever became of its workers'

test.for<[string, Partial<Ran>, string[]]>([
  ['missed an event', { seen: { ...seen, seqs: [1, 2, 4] } }, [READERS]],
  ['saw one twice', { seen: { ...seen, seqs: [1, 2, 2, 3, 4] } }, [READERS]],
  ['saw them out of order', { seen: { ...seen, seqs: [1, 3, 2, 4] } }, [READERS]],
  ['saw one as of another attempt', { seen: { ...seen, attempts: [1, 1, 1, 2] } }, [READERS]],
  ['was told of another end', { seen: { ...seen, lastType: 'run.failed' } }, [READERS]],
  ['was told that the run is cancelled', { cancel: 'accepted' }, [CANCELS]],
  ['asked for what can’t succeed', { plan: { ...told.plan, agentKey: 'deadly' } }, [ENDS]],
])('a caller who %s is noticed', async ([, change, rules]) => {
  expect(await judge([{ ...told, ...change }])).toEqual(rules)
})

test('a run that is missing, or was made twice, is noticed', async () => {
  const rule = 'every run that was created is there, and no other'
  expect(await judge([])).toContain(rule)
  expect(await judge([{ ...told, id: '01900000-0000-7000-8000-000000000002' }])).toContain(rule)
})

test('a run that goes on after its end is noticed', async () => {
  for (const status of ['running', 'succeeded']) {
    await postgres.sql('UPDATE agent_runtime.run SET status = $1::agent_runtime.run_status', [status])
  }
  expect(await judge([told])).toEqual(['a run goes only where a transition of the table leads'])
  await postgres.sql('TRUNCATE observed.transition')
})

test.for<[string, number, number, string[]]>([
  ['again after it had completed', 1, 3, ['no step that completed ran again']],
  [
    'by an attempt that was overtaken',
    1,
    11,
    ['no step that completed ran again', 'an attempt that was overtaken begins no step'],
  ],
])('a step that began %s is noticed', async ([, attempt, second, rules]) => {
  const values = [ID, attempt, second]
  await postgres.sql(
    `INSERT INTO faults.trace (run_id, attempt, kind, name, occurrence, pid, begun_at, at)
     VALUES ($1, $2, 'step', 'odd', 1, 2, to_timestamp($3), to_timestamp($3))`,
    values,
  )
  const found = await judge([told])
  await postgres.sql('DELETE FROM faults.trace WHERE pid = 2')
  expect(found).toEqual(rules)
})

test('an agent that goes on after its process stood still is noticed', async () => {
  const rule = 'a worker that stood still leaves off what was taken from it'
  expect(await judge([told], [{ ...loss, resumedAt: 5_000 }])).toEqual([rule])
  // A worker that was killed afterwards continued nothing.
  expect(
    await judge(
      [told],
      [
        { ...loss, resumedAt: 5_000 },
        { ...loss, how: 'killed' },
      ],
    ),
  ).toEqual([])
})
