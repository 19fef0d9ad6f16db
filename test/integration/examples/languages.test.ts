// The examples in other languages, with a server whose streams end before the run. Each must resume several
// times.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect } from 'vitest'
import { defineAgent } from '../../../server/index.ts'
import { isInstalled } from '../../support/local-server.ts'
import { hostRuntimes } from '../../support/node-host.ts'
import { test } from '../../support/runtime.ts'

const EXAMPLES = fileURLToPath(new URL('../../../examples', import.meta.url))
const LINES = ['one', 'two', 'three, ✓']

const slowly = defineAgent({
  key: 'slowly',
  async run(ctx) {
    for (const line of LINES) {
      await ctx.emitMessage(line)
      await sleep(400, undefined, { signal: ctx.signal })
    }
    return { output: null }
  },
})
const failing = defineAgent({
  key: 'failing',
  async run() {
    throw new Error('no')
  },
})

interface Ended {
  stdout: string
  stderr: string
  code: number
}

function run(command: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return promisify(execFile)(command, args, { env: { ...process.env, ...env }, cwd: EXAMPLES }).then(
    (ended) => ({ ...ended, code: 0 }),
    (error: Ended) => error,
  )
}

const config = { streamMaxAgeSeconds: 0.25 }
const said = (stdout: string) => stdout.trim().split('\n')
// Interpreters start, and Go compiles its library first, on a machine that may be busy.
const SLOW = { timeout: 600_000 }

describe.for<[what: string, command: string, args: (build: string) => Promise<[string, ...string[]]>]>([
  ['Python', 'python3', async () => ['python3', 'python/ask.py']],
  [
    'Go',
    'go',
    async (build) => {
      const { code, stderr } = await run('go', ['build', '-C', 'go', '-o', join(build, 'ask'), '.'], {
        CGO_ENABLED: '0',
      })
      if (code !== 0) throw new Error(stderr)
      return [join(build, 'ask')]
    },
  ],
])('%s', ([, command, prepare]) => {
  test('asks, follows, resumes, and says what went wrong', SLOW, async ({ createServer, skip }) => {
    skip(!isInstalled(command), `${command} is not installed`)
    const { runtime } = await createServer({ agents: [slowly, failing], config })
    await using host = await hostRuntimes(runtime)
    const build = await mkdtemp(join(tmpdir(), 'examples-'))
    try {
      const [program, ...args] = await prepare(build)
      const ask = (agent: string) => run(program, [...args, `${host.url}/api/agents`, agent, 'Hello "you"'])
      const ended = await ask('slowly')
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      expect(said(ended.stdout)).toEqual(LINES)
      expect(await ask('failing')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('unexpected error') as string,
      })
    } finally {
      await rm(build, { recursive: true, force: true })
    }
  })
})

test('curl asks, follows and resumes', SLOW, async ({ createServer, skip }) => {
  skip(!isInstalled('curl'), 'curl is not installed')
  const { runtime } = await createServer({ agents: [slowly], config })
  await using host = await hostRuntimes(runtime)
  const { stdout, code } = await run('sh', ['curl/ask.sh', `${host.url}/api/agents`, 'slowly', 'Hello'])
  expect(code).toBe(0)
  const ids = [...stdout.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
  expect(ids).toEqual(ids.map((_, index) => index + 1))
  for (const line of LINES) expect(stdout).toContain(line)
  expect(stdout).toMatch(/event: run\.succeeded\n.*\n\n$/)
})
