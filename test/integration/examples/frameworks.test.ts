import { readFile } from 'node:fs/promises'
import { describe, expect, vi } from 'vitest'
import { test } from '../../support/runtime.ts'

// The examples' own model, whatever keys the person running the tests has.
for (const name of ['OPENAI_API_KEY', 'OPENAI_MODEL']) vi.stubEnv(name, undefined)
const [{ ownLoop }, { langgraph }, { openaiAgents }, { aiSDK }] = await Promise.all([
  import('../../../examples/frameworks/own-loop.ts'),
  import('../../../examples/frameworks/langgraph.ts'),
  import('../../../examples/frameworks/openai-agents.ts'),
  import('../../../examples/frameworks/ai-sdk.ts'),
])
vi.unstubAllEnvs()

/** The modules of the package's entries. */
const ENTRIES = {
  '../../server/index.ts': 'server',
  '../../server/models/openai/index.ts': 'openai',
  '../../server/frameworks/langgraph/index.ts': 'langgraph',
  '../../server/frameworks/openai-agents/index.ts': 'openai-agents',
  '../../server/frameworks/ai-sdk/index.ts': 'ai-sdk-agent',
}

const AGENTS = [ownLoop, langgraph, openaiAgents, aiSDK]

describe.for(AGENTS)('the example $key', ({ key }) => {
  test('answers', async ({ createServer }) => {
    const { rest } = await createServer({ agents: AGENTS })
    const id = await rest.create(key, {
      messages: [{ role: 'user', content: 'How is the weather in Lisbon?' }],
    })
    const events = await rest.events(`runs/${id}/events?include_all=1`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: 'It is so: clear over Lisbon' })
    expect(events.filter(({ type }) => type === 'tool.result')).toMatchObject([
      { result: 'clear over Lisbon' },
    ])
  })

  test('is what docs/frameworks.md shows', async () => {
    const [guide, source] = await Promise.all([
      readFile('docs/frameworks.md', 'utf8'),
      readFile(`examples/frameworks/${key}.ts`, 'utf8'),
    ])
    const shown = Object.entries(ENTRIES).reduce(
      (text, [path, entry]) => text.replace(`'${path}'`, `'trpc-agent-runtime/${entry}'`),
      source,
    )
    expect(guide).toContain(`\`\`\`ts\n${shown}\`\`\``)
  })
})
