// The client's bundle in runtimes that lack newer functions: React Native, and browsers of early 2022.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'vite'
import { expect } from 'vitest'
import { defineAgent } from '../../../server/index.ts'
import { createWorkspace } from '../../support/cli.ts'
import { hostRuntimes } from '../../support/node-host.ts'
import { test } from '../../support/runtime.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

const speaker = defineAgent({
  key: 'speaker',
  async run(ctx) {
    for (const content of ['Good ', 'day']) await ctx.emit('assistant.delta', { messageId: 'm', content })
    await ctx.emit('assistant.message', { messageId: 'm', content: 'Good day' })
    return { output: 'done' }
  },
})

test.for([
  ['which can read streams', []],
  ['which can not, over a WebSocket', ['--no-streams']],
] as const)(
  'the client works without these functions: %s',
  { timeout: 60_000 },
  async ([, flags], { createServer }) => {
    const { runtime } = await createServer({ agents: [speaker] })
    await using host = await hostRuntimes(runtime)
    await using folder = await createWorkspace()
    await build({
      configFile: false,
      root: ROOT,
      logLevel: 'error',
      build: {
        outDir: folder.path,
        lib: { entry: 'client/index.ts', formats: ['es'], fileName: 'client' },
      },
    })
    const child = join(ROOT, 'test/fixtures/older-runtime.mjs')
    const { stdout } = await promisify(execFile)(process.execPath, [
      child,
      join(folder.path, 'client.js'),
      `${host.url}/trpc`,
      ...flags,
    ])
    expect(JSON.parse(stdout)).toEqual({
      types: expect.arrayContaining(['run.started', 'assistant.message', 'run.succeeded']),
      output: 'done',
      file: 'text',
      said: 'Good day',
      left: expect.stringMatching(/AbortError|ended/),
    })
    expect(host.sockets.length).toBeGreaterThan(0)
  },
)
