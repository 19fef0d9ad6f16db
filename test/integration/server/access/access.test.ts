// Who may do what, over every procedure, route and stream.
import { initTRPC } from '@trpc/server'
import { Hono } from 'hono'
import { describe, expect, vi } from 'vitest'
import type { AnyAgent, RuntimeOptions } from '../../../../server/index.ts'
import { hostRuntimes } from '../../../support/node-host.ts'
import { test as base } from '../../../support/runtime.ts'
import type { TestServer } from '../../../support/runtime.ts'
import { COLUMNS, ENDED_SESSIONS, authenticate, authorize } from './columns.ts'
import type { ColumnName, Whose } from './columns.ts'
import { proceduresOf, routesOf, withoutRow } from './coverage.ts'
import { withoutAuthorize } from './outcomes.ts'
import type { Outcome, Outcomes } from './outcomes.ts'
import { PROCEDURES } from './procedure-rows.ts'
import { ROUTES } from './route-rows.ts'
import type { Row } from './row.ts'
import {
  WEBHOOK_SETTINGS,
  tellWebhook,
  asking,
  createAsker,
  createThings,
  overSocket,
  quick,
  remembering,
} from './scene.ts'
import type { Asker, Things } from './scene.ts'

interface Scene {
  server: TestServer
  /** Questions to the HTTP face. */
  routes: string[]
  /** The owner of its runs and conversation, the scope of its lists, and its name. */
  stateOf(things: Things): Promise<unknown>
}

const test = base.extend<{
  createScene(options: Partial<RuntimeOptions<readonly AnyAgent[]>>): Promise<Scene>
}>({
  createScene: async ({ createServer, database }, use) => {
    await use(async (options) => {
      // Only its owner sees the app that answers.
      using mounted = vi.spyOn(Hono.prototype, 'route')
      const server = await createServer({
        agents: [quick, asking, remembering],
        anonymousSessions: true,
        authenticate,
        // Each of them asks often.
        config: { schedulesPerPrincipal: 10_000, ...WEBHOOK_SETTINGS },
        ...options,
      })
      await database.sql(ENDED_SESSIONS)
      const apps = mounted.mock.contexts as Hono[]
      return {
        server,
        routes: [...new Set(apps.flatMap(routesOf))],
        async stateOf({ queued, addressed, waiting, over, conversation, file, schedule, memory }) {
          const text = `SELECT id, status::text || COALESCE(sent, 0), cancel_requested_at, owner_id FROM agent_runtime.run WHERE id = ANY ($1)
            UNION ALL SELECT id, title, NULL, owner_id FROM agent_runtime.conversation WHERE id = $2
            UNION ALL SELECT id, name, NULL, owner_id FROM agent_runtime.file WHERE id = $3
            UNION ALL SELECT id, paused_at::text, NULL, owner_id FROM agent_runtime.schedule WHERE id = $4
            UNION ALL SELECT id, key, NULL, owner_id FROM agent_runtime.memory WHERE id = $5
            ORDER BY id`
          return database.sql(text, [
            [queued, addressed, waiting, over],
            conversation,
            file,
            schedule,
            memory,
          ])
        },
      }
    })
  },
})

interface Question {
  title: string
  row: Pick<Row<never>, 'writes' | 'outcomes'>
  ask(column: ColumnName, things: Things): Promise<Outcome>
}

const NAMES = Object.keys(COLUMNS) as ColumnName[]
const titleOf = ({ of, what }: Row<never>) => (what === undefined ? of : `${of}, ${what}`)

describe.each([
  { policy: authorize, name: 'an approver and an administrator', expected: (outcomes: Outcomes) => outcomes },
  { policy: undefined, name: 'nothing said', expected: withoutAuthorize },
])('with $name', ({ policy, expected }) => {
  test(
    'every procedure, route and stream answers whom it should',
    { timeout: 120_000 },
    async ({ createScene }) => {
      const scene = await createScene(policy === undefined ? {} : { authorize: policy })
      const { server, stateOf } = scene
      await using host = await hostRuntimes(server.runtime)
      expect(withoutRow(proceduresOf(server.runtime.router), PROCEDURES)).toEqual([])
      expect(withoutRow(scene.routes, ROUTES)).toEqual([])

      const owners = { ada: COLUMNS.owner, visitor: COLUMNS.anonymousOwner }
      const newThings = (whose: Whose) =>
        createThings(server.as(owners[whose].headers).rest, owners[whose].headers)
      const shared: Record<Whose, Things> = {
        ada: { ...(await newThings('ada')), delivery: await tellWebhook(server.as(owners.ada.headers).rest) },
        visitor: await newThings('visitor'),
      }

      async function askOf(column: ColumnName, writes: boolean, ask: (things: Things) => Promise<Outcome>) {
        const { asksAbout } = COLUMNS[column]
        const things = writes ? await newThings(asksAbout) : shared[asksAbout]
        const before = await stateOf(things)
        const outcome = await ask(things)
        // A caller who is refused has changed nothing.
        if (outcome !== 'ok' || !writes) expect([column, await stateOf(things)]).toEqual([column, before])
        else expect([column, await stateOf(things)]).not.toEqual([column, before])
        return outcome
      }
      async function rowOf(writes: boolean, ask: (column: ColumnName, things: Things) => Promise<Outcome>) {
        const outcomes = await Promise.all(
          NAMES.map(
            async (name) => [name, await askOf(name, writes, (things) => ask(name, things))] as const,
          ),
        )
        return Object.fromEntries(outcomes)
      }

      const askers = Object.fromEntries(
        NAMES.map((name) => [name, createAsker(server.runtime.handler, COLUMNS[name].headers)]),
      ) as Record<ColumnName, Asker>
      const over = (how: string, row: Row<Pick<Asker, 'trpc'>>) => `${titleOf(row)}, over ${how}`
      const questions: Question[] = [
        ...ROUTES.map((row) => ({
          title: titleOf(row),
          row,
          ask: (name: ColumnName, things: Things) => row.ask(askers[name], things),
        })),
        ...PROCEDURES.flatMap((row) => [
          {
            title: over('HTTP', row),
            row,
            ask: (name: ColumnName, things: Things) => row.ask(askers[name], things),
          },
          {
            title: over('a socket', row),
            row: { ...row, outcomes: row.overSocket ?? row.outcomes },
            ask: (name: ColumnName, things: Things) =>
              overSocket(host.socketUrl, COLUMNS[name].headers, (trpc) => row.ask({ trpc }, things)),
          },
        ]),
      ]
      const actual: Record<string, Record<string, Outcome>> = {}
      for (const { title, row, ask } of questions) actual[title] = await rowOf(row.writes === true, ask)
      const wanted = questions.map(({ title, row }) => [title, expected(row.outcomes)] as const)
      expect(actual).toEqual(Object.fromEntries(wanted))
    },
  )
})

test('a new procedure or route without a row is noticed', async ({ createScene }) => {
  const { server, routes } = await createScene({})
  expect(proceduresOf(server.runtime.router)).toContain('runs.get')
  expect(routes).toContain('GET /api/agents/runs/:id')
  const t = initTRPC.create()
  const added = t.mergeRouters(
    server.runtime.router as never,
    t.router({ export: t.procedure.query(() => 1) }),
  )
  expect(withoutRow(proceduresOf(added), PROCEDURES)).toEqual(['export'])
  const app = new Hono()
    .get('/api/agents/runs/:id', (c) => c.text(''))
    .patch('/api/agents/runs/:id', (c) => c.text(''))
  app.all('/api/agents/*', (c) => c.text('')).all('/api/agents/export', (c) => c.text(''))
  expect(withoutRow(routesOf(app), ROUTES)).toEqual(['PATCH /api/agents/runs/:id', 'ALL /api/agents/export'])
})
