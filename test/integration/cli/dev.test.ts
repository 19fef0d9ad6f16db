import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { chatPage, createWorkspace, entry, isAlive, runCli, startDev, webFixture } from '../../support/cli.ts'
import { createRun, follow, getRun } from '../../support/rest.ts'

// Each starts several processes, one after the other.
vi.setConfig({ testTimeout: 180_000 })

const FREE_PORT = ['--port', '0']

test('dev starts everything in an empty folder, and Ctrl-C leaves nothing running', async () => {
  await using folder = await createWorkspace()
  await using dev = await startDev([entry('working'), ...FREE_PORT], { cwd: folder.path })
  const postgres = await folder.postgresPid()
  expect(dev.stdout()).toMatch(/Model +demo: rules, no language model\. Set OPENAI_API_KEY/)
  expect(await isAlive(postgres)).toBe(true)

  dev.kill('SIGINT')
  expect(await dev.exited).toBe(0)
  expect(await isAlive(postgres)).toBe(false)
  expect(dev.stderr()).toBe('')
})

test('the printed line creates a run and follows it', async () => {
  await using folder = await createWorkspace()
  await using dev = await startDev([entry('working'), ...FREE_PORT], { cwd: folder.path })
  const line = /^ *(curl -sN .*)$/m.exec(dev.stdout())?.[1] ?? ''

  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', line])
  expect(stdout).toContain('event: assistant.message')
  expect(stdout).toContain('You said: Hello!')
})

test('dev finds its entry by the usual names, and keeps the data between starts', async () => {
  await using folder = await createWorkspace()
  await folder.write('runtime.ts', `export { default } from ${JSON.stringify(entry('working'))}\n`)
  let runId: string
  {
    await using dev = await startDev(FREE_PORT, { cwd: folder.path })
    runId = await createRun(dev.url, 'echo')
    await follow(dev.url, runId)
    dev.kill('SIGTERM')
    expect(await dev.exited).toBe(0)
  }
  await using dev = await startDev(FREE_PORT, { cwd: folder.path })
  expect(await getRun(dev.url, runId)).toMatchObject({ id: runId, status: 'succeeded' })
})

test('a second dev in the folder says which one runs already, and disturbs it not', async () => {
  await using folder = await createWorkspace()
  await using first = await startDev([entry('working'), ...FREE_PORT], { cwd: folder.path })
  const samePort = new URL(first.url).port

  for (const port of ['0', samePort]) {
    await using second = runCli(['dev', entry('working'), '--port', port], { cwd: folder.path })
    expect(await second.exited).toBe(1)
    expect(second.stderr()).toMatch(
      new RegExp(
        `^agent-runtime: Already running in this folder at ${first.url} \\(process ${first.pid},.*\\n$`,
      ),
    )
  }
  const runId = await createRun(first.url, 'echo')
  await follow(first.url, runId, /You said/)
})

test('after a SIGKILL, dev starts again on the same data', async () => {
  await using folder = await createWorkspace()
  await using killed = await startDev([entry('working'), ...FREE_PORT], { cwd: folder.path })
  const runId = await createRun(killed.url, 'echo')
  await follow(killed.url, runId)
  const postgres = await folder.postgresPid()
  killed.kill('SIGKILL')
  await killed.exited

  await using dev = await startDev([entry('working'), ...FREE_PORT], { cwd: folder.path })
  expect(await isAlive(postgres)).toBe(false)
  expect(await getRun(dev.url, runId)).toMatchObject({ status: 'succeeded' })
})

test('a second Ctrl-C does not wait for runs, and leaves no PostgreSQL either', async () => {
  await using folder = await createWorkspace()
  await using dev = await startDev([entry('working'), ...FREE_PORT, '--drain-timeout', '600'], {
    cwd: folder.path,
  })
  const runId = await createRun(dev.url, 'endless')
  await follow(dev.url, runId, /working/)
  const postgres = await folder.postgresPid()

  dev.kill('SIGINT')
  await dev.printed(/Ctrl-C again to stop at once/)
  // Waits until it counts: one right after the first is the same signal, passed on by npm.
  const again = setInterval(() => dev.kill('SIGINT'), 50)
  expect(await dev.exited).toBe(130)
  clearInterval(again)
  expect(await isAlive(postgres)).toBe(false)
})

test('dev ends, and says why, when PostgreSQL is gone; the next one recovers', async () => {
  await using folder = await createWorkspace()
  await using dev = await startDev([entry('working'), ...FREE_PORT], { cwd: folder.path })
  const runId = await createRun(dev.url, 'echo')
  await follow(dev.url, runId)
  process.kill(await folder.postgresPid(), 'SIGKILL')
  expect(await dev.exited).toBe(1)
  expect(dev.stderr()).toContain('PostgreSQL stopped unexpectedly. Its log is .agent-runtime/postgres/log.\n')
  expect(dev.stderr()).not.toContain('    at ')

  await using next = await startDev([entry('working'), ...FREE_PORT], { cwd: folder.path })
  expect(await getRun(next.url, runId)).toMatchObject({ status: 'succeeded' })
  next.kill('SIGTERM')
  expect(await next.exited).toBe(0)
})

test('a taken port is told before anything is started', async () => {
  await using folder = await createWorkspace()
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo

  await using dev = runCli(['dev', entry('working'), '--port', String(port)], { cwd: folder.path })
  expect(await dev.exited).toBe(1)
  expect(dev.stderr()).toBe(
    `agent-runtime: Port ${port} on 127.0.0.1 is already in use: stop what uses it, or choose another with --port or PORT.\n`,
  )
  expect(existsSync(join(folder.path, '.agent-runtime/postgres'))).toBe(false)
  other.close()
})

test('with --web, page and API share the port', async () => {
  await using folder = await createWorkspace()
  await using dev = await startDev([entry('working'), ...FREE_PORT, '--web', webFixture], {
    cwd: folder.path,
  })
  expect(dev.stdout()).toContain(`Page      ${dev.url}/`)

  const page = await fetch(dev.url)
  expect(await page.text()).toContain('<title>Fixture page</title>')
  const script = await fetch(`${dev.url}/main.ts`)
  expect(script.headers.get('content-type')).toContain('javascript')
  expect(await script.text()).not.toContain(': string')
  const api = await fetch(`${dev.url}/healthz`)
  expect(api.headers.get('content-type')).toContain('json')
  const runId = await createRun(dev.url, 'echo')
  await follow(dev.url, runId, /You said/)

  dev.kill('SIGINT')
  expect(await dev.exited).toBe(0)
})

test('two pages of one project have their packages, whichever starts last', async () => {
  await using first = await createWorkspace()
  await using second = await createWorkspace()
  await using page = await startDev([entry('working'), ...FREE_PORT, '--web', chatPage], { cwd: first.path })
  // Before the first page is loaded, since Vite remembers what it has served.
  await using other = await startDev([entry('working'), ...FREE_PORT, '--web', webFixture], {
    cwd: second.path,
  })
  expect((await fetch(`${other.url}/main.ts`)).status).toBe(200)
  const main = await (await fetch(`${page.url}/src/main.tsx`)).text()
  const packages = [...main.matchAll(/"([^"]+\.vite[^"]+)"/g)].map(([, path]) => path)
  expect(packages).not.toEqual([])
  const answers = packages.map(async (path) => [path, (await fetch(`${page.url}${path}`)).status])
  expect(await Promise.all(answers)).toEqual(packages.map((path) => [path, 200]))
})

test('interrupted while it starts, dev leaves nothing running and can be started again', async () => {
  await using folder = await createWorkspace()
  {
    await using dev = runCli(['dev', entry('working'), ...FREE_PORT], { cwd: folder.path })
    await dev.printed(/Creating a PostgreSQL cluster/)
    dev.kill('SIGINT')
    expect(await dev.exited).toBe(0)
  }
  await using dev = await startDev([entry('working'), ...FREE_PORT], { cwd: folder.path })
  expect((await fetch(`${dev.url}/readyz`)).status).toBe(200)
})
