// Callers' webhooks with a clock that the test moves: what is sent to slow endpoints, and for how long they
// count as slow.
import { expect, onTestFinished, test } from 'vitest'
import { runCallerWebhooks } from '../../../../server/domain/run-caller-webhooks.ts'
import type { DueCallerWebhook, WebhookAnswer } from '../../../../server/ports/webhooks.ts'
import { ManualClock, settled } from '../../../support/manual-clock.ts'

interface Open {
  id: string
  answer(answer?: WebhookAnswer): void
}

const INTERVAL_MS = 500
const ARRIVED: WebhookAnswer = { status: 204, error: null }
const log = { debug() {}, info() {}, warn() {}, error() {} }

async function start() {
  const clock = new ManualClock()
  const stop = new AbortController()
  const due: DueCallerWebhook[] = []
  const open = new Map<string, Open>()
  const outcomes = new Map<string, WebhookAnswer>()
  const run = runCallerWebhooks(
    {
      store: {
        takeCallerWebhooks: async () => due.splice(0),
        settleWebhook: async ({ id }, answer) => void outcomes.set(id, answer),
      },
      send: (_endpoint, { id }, signal) =>
        new Promise((resolve) => {
          const answer = (given = ARRIVED) => {
            open.delete(id)
            resolve(given)
          }
          open.set(id, { id, answer })
          const abort = () => answer({ status: null, error: 'aborted' })
          signal.addEventListener('abort', abort)
          if (signal.aborted) abort()
        }),
      clock,
      log,
      random: () => 0.5,
    },
    { intervalMs: INTERVAL_MS, signal: stop.signal, hosts: ['*'], allowPrivate: false },
  )
  onTestFinished(async () => {
    stop.abort()
    for (const { answer } of open.values()) answer()
    await run
  })

  await settled()

  /** Lets time pass in small pieces, so that everything in between happens. */
  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= INTERVAL_MS) {
      clock.advance(Math.min(left, INTERVAL_MS))
      await settled()
    }
    await settled()
  }

  async function deliver(...ids: string[]): Promise<void> {
    due.push(...ids.map(dueOf))
    await pass(INTERVAL_MS)
  }
  return { pass, deliver, open, outcomes }
}

/** @param id the owner's id, and a part that tells deliveries of one owner apart */
function dueOf(id: string): DueCallerWebhook {
  const owner = { id: id.split('/')[0] ?? '', tenantId: 'acme', kind: 'user' as const }
  return {
    id,
    event: 'run.succeeded',
    seq: 1,
    attempts: 1,
    createdAt: new Date(0),
    run: { id: 'run', owner, agentKey: 'agent', conversationId: null, metadata: {} },
    webhook: { id: 'webhook', url: 'https://hooks.example.com/', secret: 'secret' },
  }
}

test('an endpoint that answers late has its full time again five minutes after it hung, however often it was cut short', async () => {
  const { pass, deliver, open, outcomes } = await start()
  await deliver('ada/0')
  await pass(14_000)
  open.get('ada/0')?.answer({ status: null, error: 'It gave no answer.' })
  // From now on the endpoint answers after seven seconds.
  for (let n = 1; n <= 5; n++) {
    await deliver(`ada/${n}`)
    await pass(7_000)
    expect(outcomes.get(`ada/${n}`)).toMatchObject({ status: null })
    await pass(50_000)
  }
  await pass(20_000)
  await deliver('ada/late')
  await pass(7_000)
  open.get('ada/late')?.answer()
  await settled()
  expect(outcomes.get('ada/late')).toEqual(ARRIVED)
})

test('an owner whose delivery is given up for the room of others has its full time the next time', async () => {
  const { pass, deliver, open, outcomes } = await start()
  await deliver('ada/0')
  await pass(2_000)
  for (let round = 0; round < 5; round++) {
    await deliver(...Array.from({ length: 100 }, (_, n) => `other-${round}-${n}/0`))
    await pass(1_500)
  }
  expect(outcomes.get('ada/0')).toMatchObject({ status: null })
  for (const { answer } of [...open.values()]) answer()
  await deliver('ada/1')
  await pass(7_000)
  open.get('ada/1')?.answer()
  await settled()
  expect(outcomes.get('ada/1')).toEqual(ARRIVED)
})

test('only what is open counts: sixty owners with a slow delivery beside nine quick ones lose none', async () => {
  const { pass, deliver, open, outcomes } = await start()
  const owners = Array.from({ length: 60 }, (_, n) => `owner-${n}`)
  for (let from = 0; from < owners.length; from += 10) {
    const some = owners.slice(from, from + 10)
    await deliver(...some.flatMap((owner) => Array.from({ length: 10 }, (_, n) => `${owner}/${n}`)))
    for (const { id, answer } of [...open.values()]) if (!id.endsWith('/0')) answer()
    await pass(1_500)
  }
  expect(open.size).toBe(60)
  for (const { answer } of [...open.values()]) answer()
  await settled()
  expect([...outcomes.values()].filter(({ error }) => error !== null)).toEqual([])
})

test('a delivery of a full batch that is answered leaves its place to another owner at once', async () => {
  const { deliver, open } = await start()
  const owners = Array.from({ length: 10 }, (_, n) => `owner-${n}`)
  await deliver(...owners.flatMap((owner) => Array.from({ length: 10 }, (_, n) => `${owner}/${n}`)))
  await deliver('bob/0')
  expect([open.size, open.has('bob/0')]).toEqual([100, false])
  open.get('owner-0/0')?.answer()
  await settled()
  await settled()
  expect(open.has('bob/0')).toBe(true)
})
