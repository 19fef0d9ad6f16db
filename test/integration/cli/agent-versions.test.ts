// Processes of two versions of one agent.
import { expect, vi } from 'vitest'
import { agents } from '../../fixtures/entries/versioned.ts'
import { entry, runCli } from '../../support/cli.ts'
import { test } from '../../support/runtime.ts'

// Kills processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 })

test('a run of a process that was killed begins anew in one of another version, while both work on others', async ({
  createServer,
  database,
}) => {
  const { rest } = await createServer({ agents, worker: false, config: { maxAttempts: 3 } })
  const start = (AGENT_VERSION: string) =>
    runCli(['worker', entry('versioned'), '--processes', '1'], {
      cwd: process.cwd(),
      env: { DATABASE_URL: database.url, CANCEL_GRACE_SECONDS: '0.2', AGENT_VERSION },
    })
  await using old = start('v1')
  await old.printed(/Working on/)
  const create = async (isHeld: boolean) => {
    const id = await rest.create('order', { params: { isHeld } })
    const stream = await rest.stream(`runs/${id}/events?include_all=1`)
    await stream.until('assistant.message')
    return { id, stream }
  }
  const held = await create(true)
  const waiting = await create(false)
  await waiting.stream.until('run.waiting')
  await using young = start('v2')
  await young.printed(/Working on/)

  const ended = async ({ id, stream }: Awaited<ReturnType<typeof create>>) => {
    for (;;) {
      const event = await stream.next()
      if (event === undefined) throw new Error('The stream has ended before the run.')
      if (event.type === 'run.waiting') await rest.post(`runs/${id}/respond`, { wait: 'leave', value: 1 })
      if (event.type === 'run.succeeded') return event['output']
    }
  }
  // The version that takes the run completes all of it.
  await rest.post(`runs/${waiting.id}/respond`, { wait: 'leave', value: 1 })
  expect([
    ['v1', 'v1'],
    ['v2', 'v2'],
  ]).toContainEqual(await ended(waiting))
  old.killAll('SIGKILL')
  await old.exited
  expect(await ended(held)).toEqual(['v2', 'v2'])
  young.kill('SIGTERM')
  await young.exited
})
