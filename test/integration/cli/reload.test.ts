import { expect, test, vi } from 'vitest'
import { createWorkspace, isAlive, serverModule, startDev } from '../../support/cli.ts'
import type { CliProcess, Workspace } from '../../support/cli.ts'
import { createTestDatabase } from '../../support/database.ts'
import { childrenOf } from '../../support/processes.ts'
import { createRun, follow, getRun } from '../../support/rest.ts'

// Each test starts several processes, one after the other. On a busy machine one takes ten seconds.
vi.setConfig({ testTimeout: 120_000 })

/** `held` tells its code's version at its start and, once the file `go` exists, at its end. */
const RUNTIME = `
  import { existsSync } from 'node:fs'
  import { setTimeout as sleep } from 'node:timers/promises'
  import { createAgentRuntime, defineAgent } from ${JSON.stringify(serverModule)}
  import { phrase } from './phrase.ts'

  const echo = defineAgent({ key: 'echo', run: (ctx) => ctx.emitMessage(phrase()) })
  const held = defineAgent({
    key: 'held',
    async run(ctx) {
      await ctx.emitMessage('begun in ' + phrase())
      while (!existsSync('go')) await sleep(20, undefined, { signal: ctx.signal })
      await ctx.emitMessage('ended in ' + phrase())
    },
  })
  export default createAgentRuntime({ agents: [echo, held] })
`

const wordOf = (word: string): string => `export const word: string = '${word}'\n`

interface Project extends Workspace {
  databaseUrl: string
}

async function createProject(): Promise<Project> {
  await using opening = new AsyncDisposableStack()
  // Of the cluster that is there: a PostgreSQL of its own takes longer to start than all that is looked at here.
  const database = opening.use(await createTestDatabase())
  const folder = opening.use(await createWorkspace())
  await folder.write('runtime.ts', RUNTIME)
  await folder.write(
    'phrase.ts',
    "import { word } from './word.ts'\nexport const phrase = () => `code ${word}`\n",
  )
  await folder.write('word.ts', wordOf('one'))
  const stack = opening.move()
  return {
    ...folder,
    databaseUrl: database.url,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const environment = ({ databaseUrl }: Project) => ({ LOG_LEVEL: 'warn', DATABASE_URL: databaseUrl })

const startProject = (folder: Project, ...args: string[]): Promise<CliProcess & { url: string }> =>
  startDev(['--port', '0', ...args], { cwd: folder.path, env: environment(folder) })

const reloads = (dev: CliProcess): string[] => dev.stdout().match(/^· Reloaded .*$/gm) ?? []

test('a change of what the entry imports is taken up, and said in one line', async () => {
  await using folder = await createProject()
  await using dev = await startProject(folder)
  await follow(dev.url, await createRun(dev.url, 'echo'), /code one/)

  await folder.write('word.ts', wordOf('two'))
  await dev.printed(/· Reloaded in \d+\.\d s: word\.ts changed\n/)
  await follow(dev.url, await createRun(dev.url, 'echo'), /code two/)

  await folder.write('word.ts', wordOf('three'))
  await dev.printed(/(Reloaded[^]*){2}/)
  await follow(dev.url, await createRun(dev.url, 'echo'), /code three/)
  expect(dev.stdout().match(/Ready after/g)).toHaveLength(1)

  dev.kill('SIGINT')
  expect(await dev.exited).toBe(0)
  expect(dev.stderr()).toBe('')
})

test('a run under way ends on the old code, the next one is on the new', async () => {
  await using folder = await createProject()
  await using dev = await startProject(folder, '--drain-timeout', '600')
  const underWay = await createRun(dev.url, 'held')
  await follow(dev.url, underWay, /begun in code one/)

  await folder.write('word.ts', wordOf('two'))
  await dev.printed(/Reloaded/)
  await follow(dev.url, await createRun(dev.url, 'echo'), /code two/)

  await folder.write('go', '')
  await expect.poll(() => getRun(dev.url, underWay)).toMatchObject({ status: 'succeeded', attempt: 1 })
  expect(await follow(dev.url, underWay)).toContain('ended in code one')
})

test('a run that does not end in time goes on on the new code, and who follows it misses nothing', async () => {
  await using folder = await createProject()
  await using dev = await startProject(folder, '--drain-timeout', '0')
  const runId = await createRun(dev.url, 'held')
  await follow(dev.url, runId, /begun in code one/)

  const followed = followThroughout(dev.url, runId)
  await folder.write('word.ts', wordOf('two'))
  await dev.printed(/Reloaded/)
  await follow(dev.url, runId, /begun in code two/)
  await folder.write('go', '')
  const { text, connections } = await followed
  expect(text).toMatch(/begun in code one[^]*begun in code two[^]*ended in code two/)
  expect(text.match(/^event: assistant\.message$/gm)).toHaveLength(3)
  expect(connections).toBeGreaterThan(1)
  expect(await getRun(dev.url, runId)).toMatchObject({ status: 'succeeded' })
})

test.each([
  ['a syntax error', 'export const word = \n', /agent-runtime: word\.ts:\d+: .*\n/],
  [
    'a throw',
    "export const word = (() => {\n  throw new Error('not today')\n})()\n",
    /agent-runtime: word\.ts:2: not today\n/,
  ],
  ['a missing import', "export { word } from './missing.ts'\n", /agent-runtime: .*missing\.ts.*\n/],
])('%s is told once, and the old code goes on until it is put right', async (_what, broken, said) => {
  await using folder = await createProject()
  await using dev = await startProject(folder)
  await folder.write('word.ts', broken)
  await dev.printed(said)
  await dev.printed(/· Not reloaded: the old code goes on until you correct this\n/)
  await follow(dev.url, await createRun(dev.url, 'echo'), /code one/)

  await folder.write('word.ts', wordOf('two'))
  await dev.printed(/Reloaded in .*: word\.ts changed/)
  await follow(dev.url, await createRun(dev.url, 'echo'), /code two/)
  expect(dev.stderr().match(/agent-runtime:/g)).toHaveLength(1)
  expect(reloads(dev)).toHaveLength(1)
})

test('a configuration that is refused is told, and so is its end by a file that was missing', async () => {
  await using folder = await createProject()
  await using dev = await startProject(folder)
  await folder.write('runtime.ts', RUNTIME.replace('[echo, held]', '[echo, echo]'))
  await dev.printed(/agent-runtime: Two agents have the key "echo"/)
  await folder.write('runtime.ts', RUNTIME.replace('./phrase.ts', './new/phrase.ts'))
  await dev.printed(/agent-runtime: .*Cannot find module .*new\/phrase\.ts/)
  await folder.write('new/phrase.ts', "export const phrase = () => 'code anew'\n")
  await dev.printed(/Reloaded in .*: new\/phrase\.ts changed/)
  await follow(dev.url, await createRun(dev.url, 'echo'), /code anew/)
  expect(reloads(dev)).toHaveLength(1)
})

test('code that never finishes loading is given up at the next change', async () => {
  await using folder = await createProject()
  await using dev = await startProject(folder)
  await folder.write(
    'word.ts',
    "import './begun.ts'\nexport const word: string = await new Promise(() => {})\n",
  )
  await folder.write('begun.ts', "process.stdout.write('begun')\n")
  await dev.printed(/begun/)
  await folder.write('word.ts', wordOf('two'))
  await dev.printed(/Reloaded/)
  await follow(dev.url, await createRun(dev.url, 'echo'), /code two/)
  await expect.poll(() => childrenOf(dev.pid, 'node')).toHaveLength(1)
})

test('code that was given up has no say any more in what has changed', async () => {
  await using folder = await createProject()
  await folder.write('other.ts', '')
  await folder.write('word.ts', `import './other.ts'\n${wordOf('one')}`)
  await folder.write(
    'count.mjs',
    `if (process.argv[1].includes('child')) process.stdout.write('a process\\n')`,
  )
  const env = { ...environment(folder), NODE_OPTIONS: `--import ${folder.path}/count.mjs` }
  await using dev = await startDev(['--port', '0'], { cwd: folder.path, env })
  // It found the other file while that was empty, and cannot report it.
  await folder.write(
    'word.ts',
    `import { existsSync, readFileSync } from 'node:fs'
     void import('./other.ts')
     if (readFileSync('other.ts', 'utf8') === '') {
       process.stdout.write('begun\\n')
       while (!existsSync('go'));
     }
     ${wordOf('two')}`,
  )
  await dev.printed(/begun/)
  await folder.write('other.ts', 'export {}')
  await expect.poll(() => childrenOf(dev.pid, 'node'), { interval: 20, timeout: 30_000 }).toHaveLength(3)
  await folder.write('go', '')
  await dev.printed(/Reloaded in .*: other\.ts and 1 more changed/)
  await expect.poll(() => childrenOf(dev.pid, 'node')).toHaveLength(1)
  expect(dev.stdout().match(/a process/g)).toHaveLength(3)
})

test('a process of the runtime that dies is started again', async () => {
  await using folder = await createProject()
  await using dev = await startProject(folder)
  process.kill(runtimeOf(dev), 'SIGKILL')
  await dev.printed(/· The process of the runtime ended with SIGKILL; it is started again\n/)
  await dev.printed(/· Started again in/)
  await follow(dev.url, await createRun(dev.url, 'echo'), /code one/)
  expect(childrenOf(dev.pid, 'node')).toHaveLength(1)
})

test('the process of the runtime ends with the command, also when that is killed', async () => {
  await using folder = await createProject()
  await using dev = await startProject(folder)
  const pid = runtimeOf(dev)
  dev.kill('SIGKILL')
  await expect.poll(() => isAlive(pid)).toBe(false)
})

test('a second signal ends it too', async () => {
  await using folder = await createProject()
  await using dev = await startProject(folder, '--drain-timeout', '600')
  await follow(dev.url, await createRun(dev.url, 'held'), /begun/)
  const pid = runtimeOf(dev)
  dev.kill('SIGTERM')
  await dev.printed(/Stopping/)
  const again = setInterval(() => dev.kill('SIGTERM'), 50)
  expect(await dev.exited).toBe(143)
  clearInterval(again)
  expect(await isAlive(pid)).toBe(false)
})

test('with --no-reload there is no process that a change could replace', async () => {
  await using folder = await createProject()
  await using dev = await startProject(folder, '--no-reload')
  await folder.write('word.ts', wordOf('two'))
  await follow(dev.url, await createRun(dev.url, 'echo'), /code one/)
  expect(childrenOf(dev.pid, 'node')).toEqual([])
})

/** Like a browser's EventSource, connects again after its last event, until the run has ended. */
async function followThroughout(url: string, runId: string): Promise<{ text: string; connections: number }> {
  let text = ''
  for (let connections = 1; ; connections++) {
    const lastId = [...text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? '0'
    const response = await fetch(`${url}/api/agents/runs/${runId}/events/stream`, {
      headers: { 'last-event-id': lastId },
    })
    text += await response.text()
    if ((await getRun(url, runId)).status === 'succeeded') return { text, connections }
  }
}

function runtimeOf(dev: CliProcess): number {
  const [pid, ...others] = childrenOf(dev.pid, 'node')
  if (pid === undefined || others.length > 0) throw new Error('not one process of the runtime')
  return pid
}
