// The entries with the oldest versions of their packages that npm accepts. Versions that this repository has
// are tested elsewhere.
import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { createTestDatabase } from '../support/database.ts'
import { createPackedApp } from '../support/packed-app.ts'

const OLDEST = {
  '@anthropic-ai/sdk': '1.0.0',
  '@langchain/core': '1.4.0',
  '@langchain/langgraph': '1.7.0',
  '@langchain/langgraph-checkpoint': '1.2.2',
  '@opentelemetry/api': '1.9.0',
  openai: '7.0.0',
  'prom-client': '15.1.0',
}
/** The SDK needs a newer `@opentelemetry/api` than traces do without it. */
const LANGFUSE = {
  '@opentelemetry/api': '1.10.0',
  '@opentelemetry/exporter-trace-otlp-http': '0.300.0',
  '@opentelemetry/sdk-trace': '3.0.0',
}

const COMMON = ['zod', '@trpc/server', '@trpc/client', 'eventsource']
const pinned = (versions: Record<string, string>) =>
  Object.entries(versions).map(([name, version]) => `${name}@${version}`)

async function runOf(script: string, versions: Record<string, string>): Promise<unknown> {
  await using app = await createPackedApp('oldest-peers', [...COMMON, ...pinned(versions)])
  await using database = await createTestDatabase()
  const printed = await app.run('node', [script], { DATABASE_URL: database.url, LOG_LEVEL: 'silent' })
  return JSON.parse(printed)
}

test('the oldest are the first that npm accepts', () => {
  const first = { ...LANGFUSE, ...OLDEST }
  const ranges: Record<string, string> = manifest.peerDependencies
  for (const [name, version] of Object.entries(first)) {
    const [, lowest = ''] = /^(?:\^|>=)([\d.]+)/.exec(ranges[name] ?? '') ?? []
    expect(`${name} ${`${lowest}.0.0`.split('.').slice(0, 3).join('.')}`).toBe(`${name} ${version}`)
  }
})

// In parallel, since they wait for the registry.
test.concurrent('models, a graph, metrics and traces', async ({ expect }) => {
  const { outputs, spans, ended } = (await runOf('models-and-measures.ts', OLDEST)) as Record<string, unknown>
  expect(outputs).toEqual({ chat: 'Hello', responses: 'Hello', messages: 'Hello', graph: 'Hello' })
  expect(spans).toEqual(
    expect.arrayContaining(['create_run graph', 'invoke_agent graph', 'invoke_agent chat']),
  )
  expect(ended).toHaveLength(4)
})

test.concurrent('Langfuse', async ({ expect }) => {
  expect(await runOf('langfuse.ts', LANGFUSE)).toEqual(
    expect.arrayContaining(['create_run quiet', 'invoke_agent quiet']),
  )
})
