// No exported type, nor any type it names, has an `any`: nobody checks values of that type.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import packageJson from '../../../package.json' with { type: 'json' }
import { linkDeclarations } from '../../../scripts/link-declarations.ts'
import { findAny } from './find-any.ts'

/** Of entries that are code. */
const ENTRIES = Object.values(packageJson.exports).flatMap((entry) =>
  typeof entry === 'string' ? [] : entry.types,
)

/**
 * `any` in other packages' types that ours are made of, and members of `Jsonify`, which depend on its `T`.
 */
const OTHERS = [
  'client/links.d.ts: links?: readonly TRPCLink<AnyTRPCRouter>[];',
  'server/contract/json.d.ts: T extends readonly unknown[] ?',
  "server/frameworks/langgraph/run-graph.d.ts: config?: Omit<RunnableConfig, 'callbacks' | 'signal' | 'runId'>",
  'server/frameworks/openai-agents/run-agent.d.ts: TOutput extends AgentOutputType',
  'server/frameworks/openai-agents/run-agent.d.ts: options?: RunAgentOptions<TContext>',
  'server/frameworks/openai-agents/run-options.d.ts: Partial<RunConfig>',
]

test('no exported type is any', { timeout: 600_000 }, async () => {
  await using app = await linkDeclarations()
  const self = join(app.folder, 'node_modules/trpc-agent-runtime')
  const found = findAny(
    ENTRIES.map((types) => join(self, types)),
    join(self, 'dist'),
  )
  expect(found.visited).toBeGreaterThan(500)
  const texts = found.places.map((place) => place.replace(/:\d+: /, ': '))
  expect(texts).toEqual(OTHERS.map((text) => expect.stringContaining(text) as string))
})

const FIXTURES = fileURLToPath(new URL('../../fixtures/any', import.meta.url))

/** Its file and line. */
const placesIn = (entry: string) =>
  new Set(findAny([join(FIXTURES, entry)], FIXTURES).places.map((place) => place.split(': ')[0]))

test('any is found where it is computed, and where nobody wrote it', () => {
  const lines = [18, 19, 20, 21, 22, 23, 26, 30, 31, 32, 33, 35, 36]
  expect(placesIn('computed.d.ts')).toEqual(new Set(lines.map((line) => `computed.d.ts:${line}`)))
})

test('any is found wherever it is', () => {
  expect([...placesIn('index.d.ts')]).toEqual([
    'index.d.ts:14',
    'index.d.ts:15',
    'index.d.ts:16',
    'index.d.ts:18',
    'named.d.ts:2',
  ])
})
