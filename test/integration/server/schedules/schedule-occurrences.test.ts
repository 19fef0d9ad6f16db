import { describe, expect, vi } from 'vitest'
import { AgentRuntimeError, ownersOnly } from '../../../../server/index.ts'
import { createWorkspace, runCli, serverModule } from '../../../support/cli.ts'
import { test } from '../../../support/runtime.ts'
import type { Sql } from '../../../support/runtime.ts'
import { plain, ADA, options, asked, id, runsOf } from './stored-schedules-scene.ts'

const POLL = { timeout: 20_000, interval: 50 }

/** As if it had become due this long ago. */
const makeDue = (sql: Sql, secondsAgo = 0, ids?: string[]) =>
  sql(
    `UPDATE agent_runtime.schedule SET created_at = date_trunc('second', now()) - make_interval(hours => 1, secs => $1),
       next_at = date_trunc('second', now()) - make_interval(secs => $1)
     WHERE $2::uuid[] IS NULL OR id = ANY ($2)`,
    [secondsAgo, ids ?? null],
  )

describe('an occurrence', () => {
  test('is one run of its owner, whatever number of processes look', async ({ createServer, database }) => {
    const servers = await Promise.all(
      [true, true, false, false].map((worker) => createServer({ ...options, worker })),
    )
    await Promise.all(servers.map(({ runtime }) => runtime.start()))
    const { rest } = servers[0]!.as(ADA)
    const ids: string[] = []
    for (let index = 0; index < 30; index += 1) {
      const { body } = await rest.post('schedules', {
        ...asked,
        agent_key: 'digest',
        params: { topic: `${index}` },
      })
      ids.push(id(body))
    }
    await makeDue(database.sql)
    await expect.poll(async () => (await runsOf(database.sql)).length, POLL).toBe(30)
    const runs = await runsOf(database.sql)
    expect(runs.map(({ schedule }) => schedule.id).toSorted()).toEqual(ids.toSorted())
    expect(runs.every(({ owner_id }) => owner_id === 'ada')).toBe(true)
    const read = async (of: string) => (await rest.get(`schedules/${of}`)).body
    const [run] = runs
    await expect
      .poll(() => read(run!.schedule.id), POLL)
      .toMatchObject({ last_run_id: run!.id, last_error: null })
    const { last_at, next_at } = await read(run!.schedule.id)
    expect(last_at).toBe(run!.schedule.at)
    expect(Date.parse(String(next_at)) - Date.parse(String(last_at))).toBe(3_600_000)
    await vi.waitFor(async () =>
      expect((await rest.get(`runs/${run!.id}`)).body).toMatchObject({
        status: 'succeeded',
        output: { final_output: { owner: 'ada' } },
      }),
    )
  })

  test('of a process that died with it is created by another, once', async ({ createServer, database }) => {
    const { as, runtime } = await createServer({ ...options, worker: false })
    const { rest } = as(ADA)
    const { body } = await rest.post('schedules', asked)
    await runtime.stop()
    await makeDue(database.sql)
    // It had created the run, and not recorded that. Its lease is over.
    const first = await createServer({ ...options, worker: false })
    await first.runtime.start()
    await expect.poll(async () => (await runsOf(database.sql)).length, POLL).toBe(1)
    await expect
      .poll(async () => (await first.as(ADA).rest.get(`schedules/${id(body)}`)).body['last_run_id'], POLL)
      .not.toBeNull()
    await first.runtime.stop()
    await database.sql(
      `UPDATE agent_runtime.schedule SET next_at = last_at, taken_until = now() - interval '1 second',
         last_at = NULL, last_run_id = NULL`,
    )
    const second = await createServer({ ...options, worker: false })
    const [run] = await runsOf(database.sql)
    await expect
      .poll(async () => (await second.as(ADA).rest.get(`schedules/${id(body)}`)).body, POLL)
      .toMatchObject({ last_run_id: run!.id })
    expect(await runsOf(database.sql)).toHaveLength(1)
  })

  test('that was missed is made up for within the hour, the last of several', async ({
    createServer,
    database,
  }) => {
    const { as } = await createServer({ ...options, worker: false })
    const { rest } = as(ADA)
    const often = await rest.post('schedules', { agent_key: 'plain', every_seconds: 60 })
    const late = await rest.post('schedules', { agent_key: 'plain', every_seconds: 86_400 })
    await makeDue(database.sql, 600, [id(often.body)])
    await makeDue(database.sql, 7_200, [id(late.body)])
    const read = async (of: typeof late) => (await rest.get(`schedules/${id(of.body)}`)).body
    await expect
      .poll(async () => Date.parse(String((await read(late))['next_at'])) > Date.now(), POLL)
      .toBe(true)
    await expect.poll(async () => (await read(often))['last_run_id'], POLL).not.toBeNull()
    expect(await runsOf(database.sql)).toHaveLength(1)
    const [run] = await runsOf(database.sql)
    expect(Date.now() - Date.parse(run?.schedule.at ?? '')).toBeLessThan(120_000)
    expect(await read(late)).toMatchObject({ last_run_id: null, last_error: null })
  })

  test('does not happen for a paused or deleted schedule', async ({ createServer, database }) => {
    const { as } = await createServer({ ...options, worker: false })
    const { rest } = as(ADA)
    const [paused, deleted, kept] = await Promise.all([0, 1, 2].map(() => rest.post('schedules', asked)))
    await rest.post(`schedules/${id(paused!.body)}/pause`)
    await rest.request('DELETE', `schedules/${id(deleted!.body)}`)
    await database.sql(`UPDATE agent_runtime.schedule SET next_at = now() WHERE paused_at IS NULL`)
    await expect.poll(async () => (await runsOf(database.sql)).length, POLL).toBe(1)
    expect((await runsOf(database.sql))[0]?.schedule.id).toBe(id(kept!.body))
  })

  test('that is refused says why, and is followed by the next', async ({ createServer, database }) => {
    let isFull = true
    const { as } = await createServer({
      ...options,
      worker: false,
      quota: () => (isFull ? { retryAfterSeconds: 60, message: 'Not today.' } : true),
    })
    const { rest } = as(ADA)
    const { body } = await rest.post('schedules', asked)
    const read = async () => (await rest.get(`schedules/${id(body)}`)).body
    await makeDue(database.sql)
    await expect.poll(read, POLL).toMatchObject({ last_error: 'Not today.', last_run_id: null })
    expect(await runsOf(database.sql)).toEqual([])
    isFull = false
    await makeDue(database.sql)
    await expect
      .poll(read, POLL)
      .toMatchObject({ last_error: null, last_run_id: expect.any(String) as string })
  })

  test('is asked about without claims, as nobody is there', async ({ createServer, database }) => {
    const questions: unknown[] = []
    const { as } = await createServer({
      ...options,
      worker: false,
      authorize(...question) {
        const [principal, action, resource] = question
        if (action === 'create') questions.push([resource.kind, principal.claims])
        return ownersOnly(...question)
      },
    })
    await as(ADA).rest.post('schedules', asked)
    await makeDue(database.sql)
    await expect.poll(async () => (await runsOf(database.sql)).length, POLL).toBe(1)
    const claims = { isKnown: true }
    expect(questions).toEqual([
      ['schedule', claims],
      ['run', claims],
      ['run', undefined],
    ])
  })
})

test('what can not be told now is tried again, and loses no occurrence', async ({
  createServer,
  database,
}) => {
  let isAway = true
  const { as } = await createServer({
    ...options,
    worker: false,
    quota() {
      if (isAway) throw new AgentRuntimeError('unavailable', 'Away.')
      return true
    },
  })
  const { body } = await as(ADA).rest.post('schedules', asked)
  await makeDue(database.sql)
  const taken = 'SELECT taken_until IS NOT NULL AS taken, last_error FROM agent_runtime.schedule'
  await expect.poll(() => database.sql(taken), POLL).toEqual([{ taken: true, last_error: null }])
  isAway = false
  // As if a minute had passed.
  await database.sql(`UPDATE agent_runtime.schedule SET taken_until = now()`)
  await expect
    .poll(async () => (await as(ADA).rest.get(`schedules/${id(body)}`)).body['last_run_id'], POLL)
    .not.toBeNull()
})

// Two processes start, which takes time on a busy machine.
test(
  'a process that is killed takes no occurrence with it',
  { timeout: 120_000 },
  async ({ database, createServer }) => {
    await using folder = await createWorkspace()
    await folder.write(
      'runtime.ts',
      `import { createAgentRuntime, defineAgent } from '${serverModule}'
    export default createAgentRuntime({ agents: [defineAgent({ key: 'plain', run: async () => {} })] })`,
    )
    const settings = { cwd: folder.path, env: { DATABASE_URL: database.url } }
    await using first = runCli(['worker', 'runtime.ts'], settings)
    await using second = runCli(['worker', 'runtime.ts'], settings)
    await Promise.all([first.printed(/Working on runs/), second.printed(/Working on runs/)])
    const { rest } = await createServer({ agents: [plain], worker: false })
    for (let index = 0; index < 40; index += 1) await rest.post('schedules', asked)
    await makeDue(database.sql)
    first.kill('SIGKILL')
    await first.exited
    await expect
      .poll(
        async () => {
          // As if a minute had passed: then the dead process' schedules are free again.
          await database.sql(`UPDATE agent_runtime.schedule SET taken_until = now() WHERE next_at <= now()`)
          return (await database.sql('SELECT FROM agent_runtime.schedule WHERE last_run_id IS NULL')).length
        },
        { ...POLL, timeout: 60_000 },
      )
      .toBe(0)
    const runs = await runsOf(database.sql)
    expect([runs.length, new Set(runs.map(({ schedule }) => schedule.id)).size]).toEqual([40, 40])
    second.kill('SIGTERM')
    await second.exited
  },
)
