// Agents in processes of their own, whose worker dies.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, vi } from 'vitest'
import { test } from 'vitest'
import { createTestDatabase } from '../../support/database.ts'
import type { TestDatabase } from '../../support/database.ts'
import { createWorkspace, entry, isAlive, runCli } from '../../support/cli.ts'
import type { Workspace } from '../../support/cli.ts'
import { isInstalled } from '../../support/local-server.ts'
import { createRun, follow, getRun } from '../../support/rest.ts'

// Each starts several processes, one after the other.
vi.setConfig({ testTimeout: 120_000 })

const optionsOf = (database: TestDatabase, folder: Workspace) => ({
  cwd: folder.path,
  env: { DATABASE_URL: database.url, NOTES: join(folder.path, 'notes') },
})
type Options = ReturnType<typeof optionsOf>

async function startServer(options: Options) {
  const server = runCli(['serve', entry('python'), '--port', '0', '--insecure'], options)
  const [, url = ''] = await server.printed(/Listening on (\S+)/)
  return Object.assign(server, { url })
}

async function startWorker(options: Options) {
  const worker = runCli(['worker', entry('python')], options)
  await worker.printed(/Working on/)
  return worker
}

async function respond(url: string, id: string, body: object): Promise<void> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  expect((await fetch(`${url}/api/agents/runs/${id}/respond`, init)).status).toBe(200)
}

describe.skipIf(!isInstalled('python3'))('agents in Python', () => {
  test('end when their worker is killed; another one goes on, and repeats no step that was done', async () => {
    await using database = await createTestDatabase()
    await using folder = await createWorkspace()
    const options = optionsOf(database, folder)
    await using server = await startServer(options)
    await using killed = await startWorker(options)
    const id = await createRun(server.url, 'interrupted')
    const told = await follow(server.url, id, /process (\d+)/)
    const pid = Number(/process (\d+)/.exec(told)?.[1])
    expect(await isAlive(pid)).toBe(true)
    killed.killAll('SIGKILL')
    await killed.exited
    await expect.poll(() => isAlive(pid)).toBe(false)
    await using worker = await startWorker(options)
    await follow(server.url, id)
    expect(await getRun(server.url, id)).toMatchObject({ status: 'succeeded', attempt: 2 })
    expect(await readFile(options.env.NOTES, 'utf8')).toBe('one\ntwo\n')
    worker.kill('SIGTERM')
    expect(await worker.exited).toBe(0)
  })

  test('are answered after everything was killed and started anew', async () => {
    await using database = await createTestDatabase()
    await using folder = await createWorkspace()
    const options = optionsOf(database, folder)
    let id = ''
    {
      await using server = await startServer(options)
      await using _worker = await startWorker(options)
      id = await createRun(server.url, 'waits')
      await follow(server.url, id, /run\.waiting/)
    }
    await using server = await startServer(options)
    await using worker = await startWorker(options)
    await respond(server.url, id, { wait: 'colour', value: 'red' })
    const asked = await follow(server.url, id, /"approve:[^]*"hash": ?"/)
    const [, name = ''] = /"name": ?"(approve:[^"]*)"/.exec(asked) ?? []
    const [, hash = ''] = /"hash": ?"(\w+)"/.exec(asked) ?? []
    await respond(server.url, id, { wait: name, value: { approved: false, hash } })
    await follow(server.url, id)
    expect(await getRun(server.url, id)).toMatchObject({
      status: 'succeeded',
      output: { final_output: { colour: 'red', approved: false } },
    })
    worker.kill('SIGTERM')
    expect(await worker.exited).toBe(0)
  })
})
