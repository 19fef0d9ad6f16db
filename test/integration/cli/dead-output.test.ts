// Commands whose output nobody reads: the reader of a pipe is gone, or the terminal is closed.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { cliEnvironment, cliLine, createWorkspace, entry, isAlive } from '../../support/cli.ts'
import type { Workspace } from '../../support/cli.ts'
import { createTestDatabase } from '../../support/database.ts'
import { freePort } from '../../support/local-server.ts'
import { descendantsOf } from '../../support/processes.ts'
import { createRun, follow } from '../../support/rest.ts'

// Each test starts several processes, one after the other.
vi.setConfig({ testTimeout: 120_000 })

const UNTIL = { timeout: 40_000, interval: 100 }
const COMMANDS = [
  ['serve', ['serve', entry('working'), '--insecure']],
  ['worker', ['worker', entry('working')]],
  ['worker --processes', ['worker', entry('working'), '--processes', '2']],
  ['dev', ['dev', entry('working')]],
  ['dev --no-reload', ['dev', entry('working'), '--no-reload']],
] as const

interface Shell extends AsyncDisposable {
  pid: number
  /** Its children and their children, without those whose parents are gone. */
  started(): number[]
}

/** All that it started is gone after the test, in any case. */
function startShell(line: string, folder: Workspace, env: Record<string, string>): Shell {
  const shell = spawn('sh', ['-c', line], {
    cwd: folder.path,
    env: cliEnvironment({ LOG_LEVEL: 'debug', ...env }),
    stdio: 'ignore',
  })
  const pid = shell.pid ?? 0
  const seen = new Set([pid])
  const started = (): number[] => {
    const pids = descendantsOf(pid)
    for (const one of pids) seen.add(one)
    return pids
  }
  return {
    pid,
    started,
    async [Symbol.asyncDispose]() {
      started()
      for (const one of await aliveOf([...seen])) process.kill(one, 'SIGKILL')
    },
  }
}

const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  )

async function aliveOf(pids: readonly number[]): Promise<number[]> {
  const alive = await Promise.all(pids.map(isAlive))
  return pids.filter((_pid, index) => alive[index])
}

/** Processes of the command, the first of them the command itself. */
async function commandOf(shell: Shell): Promise<number[]> {
  const read = (pid: number): Promise<string> => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  const pids = shell.started()
  const lines = await Promise.all(pids.map(read))
  const first = pids.findIndex((_pid, index) => lines[index]?.startsWith(`${process.execPath}\0`))
  const [command = 0] = first < 0 ? [] : pids.slice(first)
  return command === 0 ? [] : [command, ...descendantsOf(command)]
}

test.each(COMMANDS)('%s goes on when its reader is gone, and ends at SIGTERM', async (_name, args) => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const [command] = args
  const env: Record<string, string> = {
    PORT: String(port),
    ...(command === 'dev' ? {} : { DATABASE_URL: database.url }),
  }
  // `head` leaves after the first line, like a person who only checks whether it starts.
  const line = `{ ${cliLine(args)}; echo $? >code; } 2>&1 | head -n 1 >first; touch left`
  await using shell = startShell(line, folder, env)
  const first = (): Promise<string> => readFile(join(folder.path, 'first'), 'utf8').catch(() => '')
  await expect.poll(first, UNTIL).toMatch(/\n$/)
  if (command !== 'worker') {
    await expect.poll(() => isReady(url), UNTIL).toBe(true)
    await createRun(url, 'echo')
  }

  const pids = await commandOf(shell)
  expect(pids.length).toBeGreaterThan(0)
  process.kill(pids[0] ?? 0, 'SIGTERM')
  await expect.poll(() => existsSync(join(folder.path, 'code')), UNTIL).toBe(true)
  expect(await readFile(join(folder.path, 'code'), 'utf8')).toBe('0\n')
  await expect.poll(() => aliveOf(pids), UNTIL).toEqual([])
})

test.each(COMMANDS)('%s ends when its terminal is closed', async (_name, args) => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const port = await freePort()
  const [command] = args
  const env: Record<string, string> = {
    PORT: String(port),
    ...(command === 'dev' ? {} : { DATABASE_URL: database.url }),
  }
  // A pseudo-terminal with a session of its own. The typescript has what a person would see.
  const line = `exec script --quiet --flush --command "exec ${cliLine(args)}" seen`
  await using terminal = startShell(line, folder, env)
  const seen = (): Promise<string> => readFile(join(folder.path, 'seen'), 'utf8').catch(() => '')
  await expect.poll(seen, UNTIL).toMatch(/Listening on|Working on|Ctrl-C stops everything/)
  const pids = terminal.started()
  expect(pids.length).toBeGreaterThan(0)

  process.kill(terminal.pid, 'SIGKILL')
  await expect.poll(() => aliveOf(pids), UNTIL).toEqual([])
})

test('an error that nobody caught, with nobody to be told, ends a command in order', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  await folder.write(
    'runtime.ts',
    `process.on('SIGUSR2', () => { throw new Error('out of the blue') })
     export { default } from ${JSON.stringify(entry('working'))}\n`,
  )
  const port = await freePort()
  const line = `{ ${cliLine(['serve', '--insecure'])}; echo $? >code; } 2>&1 | head -n 1 >first`
  await using server = startShell(line, folder, { DATABASE_URL: database.url, PORT: String(port) })
  await expect.poll(() => isReady(`http://127.0.0.1:${port}`), UNTIL).toBe(true)
  const pids = await commandOf(server)

  process.kill(pids[0] ?? 0, 'SIGUSR2')
  await expect.poll(() => existsSync(join(folder.path, 'code')), UNTIL).toBe(true)
  expect(await readFile(join(folder.path, 'code'), 'utf8')).toBe('1\n')
  await expect.poll(() => aliveOf(pids), UNTIL).toEqual([])
})

test('SIGTERM to npm ends dev, with all it has started', async () => {
  await using folder = await createWorkspace()
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const dev = cliLine(['dev', entry('working'), '--port', String(port)])
  await folder.write('package.json', JSON.stringify({ type: 'module', scripts: { dev } }))
  await using npm = startShell('exec npm run dev', folder, {})
  await expect.poll(() => isReady(url), UNTIL).toBe(true)
  const runId = await createRun(url, 'echo')
  await follow(url, runId, /You said/)
  const pids = npm.started()

  process.kill(npm.pid, 'SIGTERM')
  await expect.poll(() => aliveOf(pids), UNTIL).toEqual([])
})
