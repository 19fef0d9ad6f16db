// The things of an owner, and the ways to ask about them.
import { randomUUID } from 'node:crypto'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import type { TRPCClient } from '@trpc/client'
import { vi } from 'vitest'
import { z } from 'zod'
import { createLinks } from '../../../../client/links.ts'
import type { AgentRouter } from '../../../../server/api/router.ts'
import { defineAgent } from '../../../../server/index.ts'
import { createRestClient } from '../../../support/rest-client.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import type { Outcome } from './outcomes.ts'

export const quick = defineAgent({ key: 'quick', run: async () => ({ output: 'done' }) })
export const asking = defineAgent({
  key: 'asking',
  run: async (ctx) => ({ output: (await ctx.wait('word', z.string())).value }),
})
export const remembering = defineAgent({
  key: 'remembering',
  run: (ctx) => ctx.memory(ctx.runId).set('word', 'sesame'),
})
export const WORD = { wait: 'word', value: 'sesame' } as const

/** The things of one owner: a run in each state that matters. */
export interface Things {
  over: string
  queued: string
  /** It is in a conversation, and begins late. */
  addressed: string
  waiting: string
  conversation: string
  /** The external id. */
  externalId: string
  file: string
  /** Only users have these, visitors do not. */
  schedule: string
  memory: string
  /** A delivery to a webhook, if there is one. Only users have these. */
  delivery: string
}

/** A form with a file, as text. */
export const FORM = {
  headers: { 'content-type': 'multipart/form-data; boundary=b' },
  body: '--b\r\ncontent-disposition: form-data; name="agent_key"\r\n\r\nquick\r\n--b\r\ncontent-disposition: form-data; name="files"; filename="a"\r\n\r\nHello\r\n--b--\r\n',
}

/** Uploads a file. */
async function uploaded(asked: Promise<Response>): Promise<string> {
  const { files } = (await (await asked).json()) as { files: [{ id: string }] }
  return files[0].id
}

export async function createThings(
  { create, post, get, send }: RestClient,
  headers: Record<string, string>,
): Promise<Things> {
  const externalId = randomUUID()
  const { body } = await post('conversations', { external_id: externalId })
  const conversation = String(body['id'])
  const [over, queued, addressed, waiting, remembered] = await Promise.all([
    create('quick', { conversation_id: conversation, messages: [{ role: 'user', content: 'Hi' }] }),
    // Late enough for the test.
    create('quick', { run_at: '2999-01-01T00:00:00Z' }),
    create('quick', { run_at: '2999-01-01T00:00:00Z', conversation: 'new' }),
    create('asking'),
    create('remembering'),
  ])
  const file = await uploaded(
    send('files/', { method: 'POST', ...FORM, headers: { ...FORM.headers, ...headers } }),
  )
  const statusOf = async (id: string) => (await get(`runs/${id}`)).body['status']
  await vi.waitUntil(async () => (await statusOf(over)) === 'succeeded', { interval: 10 })
  await vi.waitUntil(async () => (await statusOf(waiting)) === 'waiting', { interval: 10 })
  const scheduled = await post('schedules', { agent_key: 'quick', every_seconds: 86_400 })
  const schedule = scheduled.status === 201 ? String(scheduled.body['id']) : randomUUID()
  await vi.waitUntil(async () => (await statusOf(remembered)) === 'succeeded', { interval: 10 })
  const memories = (await get(`memories?namespace=${remembered}`)).body['results'] as [{ id: string }]
  const delivery = randomUUID()
  return {
    over,
    queued,
    addressed,
    waiting,
    conversation,
    externalId,
    file,
    schedule,
    memory: memories[0].id,
    delivery,
  }
}

/** Nobody is signed in. */
const WEBHOOK = { url: 'http://127.0.0.1:9/', secret: `whsec_${'a'.repeat(40)}` }
export const WEBHOOK_SETTINGS = { webhookHosts: ['127.0.0.1'], webhookAllowPrivate: true }

/**
 * Makes a delivery to a webhook.
 *
 * @returns the delivery
 */
export async function tellWebhook({ create, get }: RestClient): Promise<string> {
  const runId = await create('quick', { webhooks: [WEBHOOK] })
  return vi.waitFor(
    async () => {
      const [delivery] = (await get(`webhooks/deliveries?run_id=${runId}`)).body['results'] as {
        id: string
      }[]
      if (delivery === undefined) throw new Error(`Nobody is told of ${runId} yet.`)
      return delivery.id
    },
    { interval: 10 },
  )
}

type Trpc = TRPCClient<AgentRouter>

/** A caller's ways to ask. */
export interface Asker {
  rest: RestClient
  headers: Record<string, string>
  trpc: Trpc
  /** The text of a subscription's stream, in either format. */
  subscribe(path: string, headers?: Record<string, string>): Promise<Outcome>
}

export function createAsker(
  handler: (request: Request) => Promise<Response>,
  headers: Record<string, string>,
): Asker {
  const rest = createRestClient(handler, headers)
  return {
    rest,
    headers,
    trpc: createTRPCClient<AgentRouter>({
      links: createLinks({
        url: 'http://runtime.test/trpc',
        headers,
        fetch: (input, init) => handler(new Request(input, init)),
      }),
    }),
    async subscribe(path, more) {
      return streamed(await readStream(await rest.send(path, { headers: { ...headers, ...more } })))
    },
  }
}

/** The same calls over a socket of their own, since a refusal closes a socket. */
export async function overSocket<T>(
  url: string,
  headers: Record<string, string>,
  ask: (trpc: Trpc) => Promise<T>,
): Promise<T> {
  const socket = createWSClient({ url, connectionParams: () => headers })
  try {
    return await ask(createTRPCClient<AgentRouter>({ links: [wsLink({ client: socket })] }))
  } finally {
    await socket.close()
  }
}

/** Follows a run to its end. */
export function follow(trpc: Trpc, input: { runId: string; includeAll?: boolean }): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const subscription = trpc.runs.events.subscribe(input, {
      onError(error) {
        subscription.unsubscribe()
        reject(error)
      },
      onComplete() {
        subscription.unsubscribe()
        resolve(undefined)
      },
    })
  })
}

/** Reads to the stream's end. A conversation's stream has none, so it is read to the end of a run. */
async function readStream(answer: Response): Promise<string> {
  let text = ''
  for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    if (text.includes('run.succeeded')) break
  }
  return text
}

/** Follows a conversation to the end of its first run. */
export function followConversation(
  trpc: Trpc,
  input: { conversationId: string; includeAll?: boolean },
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const subscription = trpc.conversations.events.subscribe(input, {
      onError(error) {
        subscription.unsubscribe()
        reject(error)
      },
      onData({ data }) {
        if (data.type !== 'run.succeeded') return
        subscription.unsubscribe()
        resolve(undefined)
      },
    })
  })
}

/** The outcome of a stream. A refusal may come within the stream. */
export function streamed(text: string): Outcome {
  return text.includes('run.succeeded') ? 'ok' : codeIn(text)
}

export function codeIn(text: string): Outcome {
  const code = /"code":"(not_found|forbidden|unauthorized)"/.exec(text)?.[1]
  if (code === undefined) throw new Error(`That is neither an answer nor a refusal: ${text}`)
  return code as Outcome
}

/** The outcome of a call over tRPC. */
export async function outcomeOf(call: Promise<unknown>): Promise<Outcome> {
  try {
    await call
    return 'ok'
  } catch (error) {
    return codeIn(JSON.stringify((error as { data?: unknown }).data ?? String(error)))
  }
}

/** Whether the page of a list has the thing. */
export function has(items: readonly { id: string }[], id: string): void {
  if (items.some((item) => item.id === id)) return
  throw Object.assign(new Error('It is not in the list.'), { data: { error: { code: 'not_found' } } })
}
