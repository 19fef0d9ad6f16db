// The README's snippets, unchanged, in a page at the server's address.
import { runInNewContext } from 'node:vm'
import { EventSource } from 'eventsource'
import { expect, onTestFinished, vi } from 'vitest'
import { hostRuntimes } from '../../../support/node-host.ts'
import { test } from '../../../support/runtime.ts'
import { HELLO, RECORDED, agents, client, ended } from './scene.ts'

const FOLLOW = `
const eventSource = new EventSource('/api/agents/runs/550e8400.../events/');

eventSource.addEventListener('assistant.message', (event) => {
    const data = JSON.parse(event.data);
    appendMessage(data.content);
});

eventSource.addEventListener('run.succeeded', (event) => {
    eventSource.close();
    showComplete();
});

eventSource.addEventListener('run.failed', (event) => {
    const data = JSON.parse(event.data);
    showError(data.error);
    eventSource.close();
});
`

const AS_VISITOR = `
const eventSource = new EventSource(
  \`/api/agents/runs/\${runId}/events/?anonymous_token=your-session-token\`
);
`

const FILTERED = `
new EventSource(\`/api/agents/runs/\${runId}/events/\`);
new EventSource(\`/api/agents/runs/\${runId}/events/?include_debug=true\`);
new EventSource(\`/api/agents/runs/\${runId}/events/?include_all=true\`);
`

/**
 * Runs a snippet in a page of the server.
 *
 * @returns the sources it opens
 */
async function inPage(
  { runtime }: { runtime: Parameters<typeof hostRuntimes>[0] },
  snippet: string,
  globals: Record<string, unknown>,
): Promise<EventSource[]> {
  const host = await hostRuntimes(runtime)
  const opened: EventSource[] = []
  class PageEventSource extends EventSource {
    constructor(path: string) {
      super(new URL(path, host.url))
      opened.push(this)
    }
  }
  onTestFinished(async () => {
    for (const source of opened) source.close()
    await host[Symbol.asyncDispose]()
  })
  runInNewContext(snippet, { EventSource: PageEventSource, JSON, ...globals })
  return opened
}

const open = { agents, config: { maxAttempts: 1 } } as const

test('a run is created with what the README sends, and answers what it shows', async ({ createServer }) => {
  const ask = client(await createServer({ ...RECORDED, worker: false }))
  const created = await ask('POST', '/runs/', {
    agent_key: 'chat-agent',
    messages: [{ role: 'user', content: 'Hello! How are you?' }],
  })
  const { id, agent_key, status, created_at } = created.body
  expect(created.status).toBe(201)
  expect([agent_key, status]).toEqual(['chat-agent', 'queued'])
  expect([id, created_at]).toEqual([expect.any(String), expect.any(String)])
})

test.for([
  ['chat-agent', { messages: ['echo: Hello! How are you?'], completed: 1, errors: [] }],
  ['failing', { messages: [], completed: 0, errors: ['The agent failed with an unexpected error.'] }],
] as const)('a page follows a run of %s', async ([agent_key, expected], { createServer }) => {
  const server = await createServer(open)
  const { body } = await client(server)('POST', '/runs/', { agent_key, messages: HELLO })
  const seen = { messages: [] as unknown[], completed: 0, errors: [] as unknown[] }
  const [source] = await inPage(server, FOLLOW.replace('550e8400...', String(body['id'])), {
    appendMessage: (content: unknown) => seen.messages.push(content),
    showComplete: () => (seen.completed += 1),
    showError: (error: unknown) => seen.errors.push(error),
  })
  await vi.waitFor(() => expect(source?.readyState).toBe(EventSource.CLOSED))
  expect(seen).toEqual(expected)
})

test('a page follows the run of a visitor', async ({ createServer }) => {
  const server = await createServer({ ...open, anonymousSessions: true })
  const { body: session } = await client(server, {})('POST', '/sessions/anonymous/', {})
  const token = String(session['token'])
  const { body } = await client(server, { 'X-Anonymous-Token': token })('POST', '/runs/', {
    agent_key: 'chat-agent',
    messages: [{ role: 'user', content: 'Hello!' }],
  })
  const snippet = AS_VISITOR.replace('your-session-token', token)
  const [source] = await inPage(server, snippet, { runId: body['id'] })
  await new Promise((resolve) => source?.addEventListener('run.succeeded', resolve))
})

test('a page filters events by visibility', async ({ createServer }) => {
  const server = await createServer(open)
  const runId = await ended(server, { agent_key: 'everything', messages: HELLO })
  const sources = await inPage(server, FILTERED, { runId })
  const types = ['assistant.message', 'tool.call', 'tool.result', 'state.checkpoint', 'error']
  const seen = await Promise.all(
    sources.map(async (source) => {
      const found: string[] = []
      for (const type of types) source.addEventListener(type, (event) => found.push((event as Event).type))
      await new Promise((resolve) => source.addEventListener('run.succeeded', resolve))
      return found.toSorted()
    }),
  )
  expect(seen).toEqual([
    ['assistant.message', 'error'],
    ['assistant.message', 'error', 'tool.call', 'tool.result'],
    types.toSorted(),
  ])
})
