// PostgreSQL refuses nothing that the schemas accept.
import fc from 'fast-check'
import { describe, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { Principal } from '../../../../server/index.ts'
import type { RestAnswer, RestClient } from '../../../support/rest-client.ts'
import { test as base } from '../../../support/runtime.ts'

// Hundreds of requests, one after the other.
vi.setConfig({ testTimeout: 180_000 })

const agent = defineAgent({ key: 'agent', params: z.json(), run: async () => {} })
const asking = defineAgent({
  key: 'asking',
  async run(ctx) {
    await ctx.wait('anything', z.json())
  },
})

// Values close to refused ones, and often refused ones.
const bad = fc.constantFrom(
  '\0',
  '\ud800',
  '\udc00',
  '\ufffe',
  '\uffff',
  '\u{10ffff}',
  '\\u0000',
  '\u2028',
  '%00',
)
const text = (maxLength: number) =>
  fc.oneof(
    fc.string({ unit: 'binary', maxLength }),
    fc.array(fc.oneof(bad, fc.string({ maxLength: 3 })), { maxLength: 4 }).map((parts) => parts.join('')),
    fc
      .tuple(fc.constantFrom('a', 'ä', '€', '\u{1f600}'), fc.nat(maxLength))
      .map(([char, n]) => char.repeat(n)),
  )
const number = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, 5e-324, 1.7976931348623157e308, 2 ** 31 - 1, 2 ** 31, 2 ** 53, 2 ** 63, 1e21),
)
const nested = fc
  .nat(520)
  .map((levels) => JSON.parse(`${'['.repeat(levels)}1${']'.repeat(levels)}`) as unknown)
const json = fc.oneof(
  fc.jsonValue({ stringUnit: 'binary' }),
  fc.dictionary(text(20), fc.oneof(text(20), number), { maxKeys: 4 }),
  nested,
)
const two = (n: number) => String(n).padStart(2, '0')
const time = fc
  .tuple(
    fc.oneof(fc.constantFrom(0, 1, 1969, 1970, 2999, 3000, 9999), fc.nat(9_999)),
    fc.tuple(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 31 }),
      fc.nat(24),
      fc.nat(60),
      fc.nat(60),
    ),
    fc.oneof(
      fc.constant(''),
      fc.nat(200).map((digits) => `.${'9'.repeat(digits)}`),
    ),
    fc.oneof(
      fc.constantFrom('Z', '', '+17:00', '-23:59', '+24:00', '+00:00'),
      fc.tuple(fc.nat(23), fc.nat(59)).map(([hours, minutes]) => `-${two(hours)}:${two(minutes)}`),
    ),
  )
  .map(([year, [month, day, hour, minute, second], fraction, offset]) => {
    const date = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`
    return `${date}T${two(hour)}:${two(minute)}:${two(second)}${fraction}${offset}`
  })
const uuid = fc.oneof(
  fc.uuid(),
  fc.uuid().map((id) => id.toUpperCase()),
  fc.constantFrom('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'x'),
)
const int = fc.oneof(fc.integer(), fc.constantFrom(-101, -100, 0, 1, 100, 101, 2 ** 31 - 1, 2 ** 31, 2 ** 53))
const message = fc.oneof(
  fc.record({ role: fc.constantFrom('user', 'system'), content: text(50) }),
  fc.record({ role: fc.constant('tool'), tool_call_id: text(10), content: text(10) }),
)

const some = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { requiredKeys: [] })

const runBody = some({
  messages: fc.array(message, { maxLength: 3 }),
  params: json,
  metadata: fc.dictionary(text(20), json, { maxKeys: 3 }),
  idempotency_key: text(210),
  max_attempts: int,
  timeout_ms: int,
  priority: int,
  run_at: time,
  expires_at: time,
  conversation_policy: fc.constantFrom('reject', 'queue', 'interrupt'),
})

interface Scene {
  rest: RestClient
  startWorker(): Promise<unknown>
  /** The caller from now on. */
  become(principal: Principal): void
  /** Holds if `ask` finds no fault of the server, whatever it asks. */
  property<T>(given: fc.Arbitrary<T>, ask: (value: T) => Promise<RestAnswer | RestAnswer[]>): Promise<void>
}

const test = base.extend<{ scene: Scene }>({
  scene: async ({ createServer }, use) => {
    let principal: Principal = { id: 'ada', tenantId: '', kind: 'user' }
    const authenticate = () => principal
    const server = await createServer({ agents: [agent, asking], authenticate, worker: false })
    await use({
      rest: server.rest,
      startWorker: () => server.runtime.startWorker(),
      become: (other) => (principal = other),
      property: (given, ask) =>
        fc.assert(
          fc.asyncProperty(given, async (value) => {
            const answers = [await ask(value)].flat()
            const refused = server.log
              .splice(0)
              .filter(({ level, message }) => level === 'error' || message.includes('refused a run'))
            if (refused.length > 0 || answers.some(({ status }) => status >= 500)) {
              throw new Error(JSON.stringify({ answers, refused }))
            }
          }),
          { numRuns: 150 },
        ),
    })
  },
})

describe('whatever the schemas accept, the database does', () => {
  test('creating runs, in conversations and out of them', async ({ scene: { rest, property } }) => {
    const conversation = String((await rest.post('conversations', {})).body['id'])
    const given = fc.tuple(runBody, fc.oneof(fc.constantFrom(undefined, conversation), uuid))
    await property(given, async ([body, conversation_id]) =>
      rest.post('runs', { agent_key: 'agent', ...body, conversation_id }),
    )
  })

  test('creating conversations', async ({ scene: { rest, property } }) => {
    const body = some({ title: text(510), metadata: fc.dictionary(text(20), json), agent_key: text(5) })
    await property(body, (given) => rest.post('conversations', given))
  })

  test('whoever asks', async ({ scene: { rest, become, property } }) => {
    const principal = fc.record({
      id: text(520),
      tenantId: text(520),
      kind: fc.constantFrom<Principal['kind']>('user', 'anonymous', 'public'),
    })
    await property(fc.tuple(principal, text(200)), async ([asked, idempotency_key]) => {
      become(asked)
      return [await rest.post('runs', { agent_key: 'agent', idempotency_key }), await rest.get('runs')]
    })
  })

  test('answering', async ({ scene: { rest, startWorker, property } }) => {
    await startWorker()
    await property(fc.tuple(json, fc.oneof(fc.constant('anything'), text(210))), async ([value, wait]) => {
      const id = await rest.create('asking')
      const stream = await rest.stream(`runs/${id}/events`)
      await stream.until('run.waiting')
      await stream.close()
      return rest.post(`runs/${id}/respond`, { wait, value })
    })
  })

  test('filters and cursors', async ({ scene: { rest, property } }) => {
    const id = await rest.create('agent')
    const filter = some({
      agent_key: text(50),
      status: fc.oneof(fc.constantFrom('queued', 'failed'), text(5)),
      conversation_id: uuid,
      limit: int.map(String),
      offset: int.map(String),
      cursor: fc.oneof(
        text(50),
        fc.tuple(fc.constantFrom('before', 'after'), uuid).map((parts) => parts.join('.')),
      ),
      from_seq: fc.oneof(int.map(String), text(5)),
    })
    await property(fc.tuple(filter, uuid), async ([given, other]) => {
      const parameters = new URLSearchParams(given).toString()
      const paths = ['runs', 'conversations', `conversations/${other}`, `runs/${id}/events`, `runs/${other}`]
      return Promise.all(paths.map((path) => rest.get(`${path}?${parameters}`)))
    })
  })
})
