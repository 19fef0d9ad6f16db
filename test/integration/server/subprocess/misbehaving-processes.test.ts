import { fileURLToPath } from 'node:url'
import { describe, expect } from 'vitest'
import { subprocessAgent } from '../../../../server/frameworks/subprocess/index.ts'
import type { ProcessSettings } from '../../../../server/frameworks/subprocess/index.ts'
import { outputOf } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import { failureIn, isThere } from './python-agents.ts'

const PROGRAM = fileURLToPath(new URL('../../../fixtures/subprocess/misbehaving.ts', import.meta.url))

const agentOf = (how: string, settings: Partial<ProcessSettings> = {}) =>
  subprocessAgent({ key: 'agent', command: process.execPath, args: [PROGRAM, how], ...settings })

/** The messages of a logged error, down to the first cause. */
const causesOf = (error: unknown): string =>
  error instanceof Error ? `${error.message}\n${causesOf(error.cause)}` : ''

describe('a process', () => {
  test.for<[how: string, error: string | RegExp, settings?: Partial<ProcessSettings>]>([
    ['nonsense', "The agent's process broke off: it sent a line that is no JSON."],
    ['no-message', "The agent's process broke off: it sent a line that is no message."],
    ['unknown-type', "The agent's process broke off: it sent a message of an unknown type."],
    ['invalid', 'The agent\'s process broke off: it sent a message "emit" that is not valid.'],
    ['long-line', /a line of more than 65536 bytes/, { maxMessageBytes: 65_536 }],
    ['same-number', /a request with the number 1, which is not answered yet/],
    ['no-step', /the end of a step that is not begun, number 7/],
    ['many-requests', /more than 1000 requests that are not answered yet/],
    ['unread', /more than 1000 requests whose answers it did not read/],
    ['no-messages', "The agent's process sent messages that are none."],
    ['other-version', /hello in version 99 of the protocol, where this runtime speaks 1/],
    ['silent', "The agent's process did not say hello within 300 ms.", { helloTimeoutMs: 300 }],
    ['dies-first', "The agent's process ended before its run did (exit code 5)."],
    ['signal', "The agent's process ended before its run did (SIGKILL)."],
  ])(
    'that misbehaves fails its run with a clear error: %s',
    async ([how, error, settings], { createServer }) => {
      const { rest } = await createServer({ agents: [agentOf(how, settings)] })
      const id = await rest.create('agent')
      const events = await rest.events(`runs/${id}/events`)
      expect(events.at(-1)).toMatchObject({
        type: 'run.failed',
        code: how === 'no-messages' ? 'validation_failed' : 'internal',
        error: typeof error === 'string' ? error : expect.stringMatching(error),
      })
      expect(JSON.stringify(events)).not.toContain('secret')
    },
  )

  test.for([
    ['nonsense', ['"connecting to postgres://app:secret@db"']],
    ['no-message', ['[\\"a secret\\"]']],
    ['unknown-type', ['"dance to a secret"']],
    ['invalid', ['expected string', 'at event']],
    ['no-messages', ['0.role: Invalid']],
  ] as const)('has in the log what was wrong: %s', async ([how, said], { createServer }) => {
    const { rest, log } = await createServer({ agents: [agentOf(how)] })
    await rest.events(`runs/${await rest.create('agent')}/events`)
    for (const text of said) expect(causesOf(failureIn(log))).toContain(text)
  })

  test('says in the log what it wrote to its standard error', async ({ createServer }) => {
    const { rest, log } = await createServer({ agents: [agentOf('nonsense')] })
    await rest.events(`runs/${await rest.create('agent')}/events`)
    await expect.poll(() => log.map(({ message }) => message)).toContain('a secret of the program')
  })

  test('that is not there fails its run', async ({ createServer }) => {
    const { rest, log } = await createServer({ agents: [agentOf('', { command: '/no/such/program' })] })
    const events = await rest.events(`runs/${await rest.create('agent')}/events`)
    expect(events.at(-1)).toMatchObject({ error: "The agent's process could not be started." })
    const err = failureIn(log)
    expect(String(err.cause)).toContain('ENOENT')
  })

  test('is ended with what it has started, which held its output open', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [agentOf('orphan')] })
    const events = await rest.events(`runs/${await rest.create('agent')}/events`)
    expect(events.at(-1)).toMatchObject({
      error: "The agent's process ended before its run did (exit code 4).",
    })
    const orphan = Number(events.find(({ type }) => type === 'assistant.message')?.['content'])
    await expect.poll(() => isThere(orphan)).toBe(false)
  })

  test('is heard to its last word', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [agentOf('last-word')] })
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(outputOf((await rest.get(`runs/${id}`)).body)).toBe('said')
  })

  // Its output and its protocol use two pipes, of which the second may be read first.
  test('has its last lines in the log, also when its run has ended before they are read', async ({
    createServer,
  }) => {
    const { rest, log } = await createServer({ agents: [agentOf('postscript')] })
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    process.kill(outputOf((await rest.get(`runs/${id}`)).body) as number, 'SIGUSR2')
    await expect
      .poll(() => log.find(({ message }) => message === 'said when the run had ended'))
      .toMatchObject({ fields: { stream: 'stderr', runId: id, attempt: 1 } })
  })

  test('that logs very much does not flood the log', async ({ createServer }) => {
    const { rest, log } = await createServer({ agents: [agentOf('log-flood')] })
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    const lines = log.map(({ message }) => message).filter((message) => message.startsWith('line '))
    expect(lines).toEqual(Array.from({ length: 1_000 }, (_, line) => `line ${line}`))
  })

  test('that floods its standard error does not flood the log', async ({ createServer }) => {
    const { rest, log } = await createServer({ agents: [agentOf('stderr-flood')] })
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(log.filter(({ fields }) => fields['stream'] === 'stderr').length).toBeLessThanOrEqual(1_001)
    expect(Math.max(...log.map(({ message }) => message.length))).toBeLessThanOrEqual(8_192)
  })

  test('is given what is named of the environment, and none of the worker’s secrets', async ({
    createServer,
  }) => {
    process.env['A_SECRET_OF_THE_WORKER'] = 'do not tell'
    try {
      const { rest } = await createServer({ agents: [agentOf('environment', { env: { GIVEN: 'yes' } })] })
      const id = await rest.create('agent')
      await rest.events(`runs/${id}/events`)
      const environment = outputOf((await rest.get(`runs/${id}`)).body) as Record<string, string>
      expect(environment).toMatchObject({ GIVEN: 'yes', PATH: process.env['PATH'] })
      expect(environment['PYTHONPATH']).toMatch(/python\/$/)
      expect(Object.keys(environment)).not.toContain('A_SECRET_OF_THE_WORKER')
      expect(Object.keys(environment)).not.toContain('VITEST')
    } finally {
      delete process.env['A_SECRET_OF_THE_WORKER']
    }
  })
})
