import { copyFile, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { subprocessAgent } from '../../../../server/frameworks/subprocess/index.ts'
import { childrenOf } from '../../../support/processes.ts'
import { outputOf } from '../../../support/rest-client.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { isInstalled } from '../../../support/local-server.ts'
import { test } from '../../../support/runtime.ts'
import { PROGRAM, createNotes, failureIn, isThere, pythonAgent } from './python-agents.ts'

const PYTHON = 'python3'
/** The pool of this process, which all tests of this file share. */
const processes = () => childrenOf(process.pid, PYTHON)

async function outputOfRun(rest: RestClient, agentKey: string, params?: unknown) {
  const id = await rest.create(agentKey, params === undefined ? {} : { params })
  const events = await rest.events(`runs/${id}/events`)
  expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
  return outputOf((await rest.get(`runs/${id}`)).body)
}

const pidOf = async (rest: RestClient) =>
  ((await outputOfRun(rest, 'hello', { name: 'Ada' })) as { pid: number }).pid

describe.skipIf(!isInstalled(PYTHON))('processes of an agent', () => {
  test('are there before a run needs them, and end with the worker', async ({ createServer }) => {
    const { rest, runtime } = await createServer({
      agents: [pythonAgent('hello', { warm: 2 })],
      worker: false,
    })
    expect(processes()).toEqual([])
    const worker = await runtime.startWorker()
    await expect.poll(processes).toHaveLength(2)
    const warm = processes()
    expect(warm).toContain(await pidOf(rest))
    await worker.stop()
    expect(processes()).toEqual([])
    // A later worker uses them again.
    await runtime.startWorker()
    await expect.poll(processes).toHaveLength(2)
    expect(warm).not.toContain(await pidOf(rest))
  })

  test('are used again', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [pythonAgent('hello', { warm: 1, maxProcesses: 1 })] })
    expect(await pidOf(rest)).toBe(await pidOf(rest))
  })

  test('are replaced when one has died meanwhile', async ({ createServer }) => {
    const agents = [pythonAgent('hello', { maxProcesses: 1 })]
    const { rest } = await createServer({ agents, config: { maxAttempts: 2 } })
    const before = await pidOf(rest)
    process.kill(before, 'SIGKILL')
    await expect.poll(processes).toEqual([])
    expect(await pidOf(rest)).not.toBe(before)
  })

  test('are replaced after so many runs', async ({ createServer }) => {
    const settings = { maxRunsPerProcess: 2, maxProcesses: 1 }
    const { rest } = await createServer({ agents: [pythonAgent('hello', settings)] })
    const pids = [await pidOf(rest), await pidOf(rest), await pidOf(rest)]
    expect(pids[1]).toBe(pids[0])
    expect(pids[2]).not.toBe(pids[0])
    expect(await isThere(pids[0] as number)).toBe(false)
  })

  test('are replaced when the program’s file has changed', async ({ createServer }) => {
    const { path } = await createNotes()
    const file = join(path, '..', 'agents.py')
    await copyFile(PROGRAM, file)
    const { rest } = await createServer({ agents: [pythonAgent('hello', { args: [file], maxProcesses: 1 })] })
    const before = await pidOf(rest)
    await utimes(file, 1, 1)
    const after = await pidOf(rest)
    expect(after).not.toBe(before)
    expect(await pidOf(rest)).toBe(after)
  })

  test('are replaced when their version is another', async ({ createServer }) => {
    let version = '1'
    const settings = { processVersion: async () => version, maxProcesses: 1 }
    const { rest } = await createServer({ agents: [pythonAgent('hello', settings)] })
    const before = await pidOf(rest)
    expect(await pidOf(rest)).toBe(before)
    version = '2'
    expect(await pidOf(rest)).not.toBe(before)
  })

  test('are as many as may be; further runs wait, and can be cancelled', async ({ createServer }) => {
    const notes = await createNotes()
    const { rest } = await createServer({
      agents: [pythonAgent('slow', { maxProcesses: 1, cancelGraceMs: 60_000 })],
      config: { cancelGraceSeconds: 60 },
    })
    const params = { notes: notes.path }
    const first = await rest.create('slow', { params })
    const stream = await rest.stream(`runs/${first}/events`)
    await stream.until('assistant.message')
    const [second, third] = [await rest.create('slow', { params }), await rest.create('slow', { params })]
    const waiting = await rest.stream(`runs/${second}/events`)
    await waiting.until('run.started')
    await rest.post(`runs/${second}/cancel`)
    await waiting.until('run.cancelled')
    expect(processes()).toHaveLength(1)
    await rest.post(`runs/${first}/cancel`)
    await stream.until('run.cancelled')
    await (await rest.stream(`runs/${third}/events`)).until('assistant.message')
    expect(await notes.read()).toEqual(['cleaned up'])
    await rest.post(`runs/${third}/cancel`)
    await rest.events(`runs/${third}/events`)
  })

  test('execute runs side by side', async ({ createServer }) => {
    const notes = await createNotes()
    const { rest } = await createServer({ agents: [pythonAgent('slow')] })
    const params = { notes: notes.path }
    const ids = await Promise.all([1, 2, 3].map(() => rest.create('slow', { params })))
    await Promise.all(
      ids.map(async (id) => {
        const stream = await rest.stream(`runs/${id}/events`)
        await stream.until('assistant.message')
        await stream.close()
      }),
    )
    await Promise.all(ids.map((id) => rest.post(`runs/${id}/cancel`)))
    await Promise.all(ids.map((id) => rest.events(`runs/${id}/events`)))
  })

  test('let go of a run that is cancelled, and are used again', async ({ createServer }) => {
    const notes = await createNotes()
    const agents = [pythonAgent('slow', { maxProcesses: 1, cancelGraceMs: 60_000 })]
    const { rest } = await createServer({ agents, config: { cancelGraceSeconds: 60 } })
    const run = async () => {
      const id = await rest.create('slow', { params: { notes: notes.path } })
      const stream = await rest.stream(`runs/${id}/events`)
      await stream.until('assistant.message')
      const [pid] = processes()
      await rest.post(`runs/${id}/cancel`)
      await stream.until('run.cancelled')
      return pid
    }
    expect(await run()).toBe(await run())
    expect(await notes.read()).toEqual(['cleaned up', 'cleaned up'])
  })

  test('let go of a run that their worker hands back when it stops', async ({ createServer }) => {
    const notes = await createNotes()
    const agents = [pythonAgent('slow', { cancelGraceMs: 60_000 })]
    const { rest, runtime } = await createServer({
      agents,
      worker: false,
      config: { cancelGraceSeconds: 60 },
    })
    const worker = await runtime.startWorker()
    const id = await rest.create('slow', { params: { notes: notes.path } })
    const stream = await rest.stream(`runs/${id}/events`)
    await stream.until('assistant.message')
    await stream.close()
    await worker.stop({ drainTimeoutMs: 0 })
    // Though runs have only one attempt here.
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({ status: 'queued', attempt: 1 })
    expect(await notes.read()).toEqual(['cleaned up'])
    expect(processes()).toEqual([])
    await rest.post(`runs/${id}/cancel`)
  })

  test('that block are told of a cancel where they ask', async ({ createServer }) => {
    const agents = [pythonAgent('slow-sync', { maxProcesses: 1, cancelGraceMs: 60_000 })]
    const { rest } = await createServer({ agents, config: { cancelGraceSeconds: 60 } })
    const id = await rest.create('slow-sync')
    const stream = await rest.stream(`runs/${id}/events`)
    await stream.until('assistant.message')
    const before = processes()
    await rest.post(`runs/${id}/cancel`)
    await stream.until('run.cancelled')
    expect(processes()).toEqual(before)
  })

  test('that ignore a cancel and SIGTERM are killed, with what they started', async ({ createServer }) => {
    const agents = [
      pythonAgent('deaf', { env: { IGNORES_SIGTERM: '1' }, cancelGraceMs: 50, killGraceMs: 50 }),
    ]
    const { rest, log } = await createServer({ agents, config: { cancelGraceSeconds: 60 } })
    const id = await rest.create('deaf')
    const stream = await rest.stream(`runs/${id}/events`)
    const said = (await stream.until('assistant.message')).at(-1)
    const pids = String(said?.['content']).split(' ').map(Number)
    expect(await Promise.all(pids.map(isThere))).toEqual([true, true])
    await rest.post(`runs/${id}/cancel`)
    await stream.until('run.cancelled')
    await expect.poll(() => Promise.all(pids.map(isThere))).toEqual([false, false])
    expect(log.map(({ message }) => message)).toContain(
      "the agent's process did not let go of its run and is ended",
    )
  })

  test('tell nothing of a run that is over', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [pythonAgent('talks-later', { maxProcesses: 1 })] })
    const pid = await outputOfRun(rest, 'talks-later', 'leave')
    const id = await rest.create('talks-later')
    const events = await rest.events(`runs/${id}/events`)
    expect(events.map(({ type }) => type)).toEqual(['run.started', 'run.succeeded'])
    expect(outputOf((await rest.get(`runs/${id}`)).body)).toBe(pid)
  })

  test('may say very much', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [pythonAgent('flood')] })
    const id = await rest.create('flood', { params: { events: 5_000 } })
    const events = await rest.events(`runs/${id}/events`)
    const told = events.filter(({ type }) => type === 'progress').map(({ percent }) => percent)
    expect(told).toEqual(Array.from({ length: 5_000 }, (_, number) => number))
  })

  test('of a program that lacks the agent fail its runs', async ({ createServer }) => {
    const { rest, log } = await createServer({ agents: [pythonAgent('hello', { program: 'helo' })] })
    const id = await rest.create('hello')
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.failed' })
    const err = failureIn(log)
    expect(err.message).toMatch(/^The agent's program has no agent "helo"\. It has: hello, /)
  })
})

test.for([
  [{ maxProcesses: 0 }, /Agent "agent": maxProcesses: /],
  [{ env: { PORT: 80 } }, /Agent "agent": env\.PORT: /],
  [{ command: '' }, /Agent "agent": command: /],
  [{ maxProcess: 2 }, /there is no option maxProcess/],
] as const)('an option that is not valid is refused: %j', ([options, message]) => {
  expect(() => subprocessAgent({ key: 'agent', command: 'program', ...(options as object) })).toThrow(message)
})
