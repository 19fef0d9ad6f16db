// The Python module with a runtime of an earlier version, which is spoken here by hand.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { isInstalled } from '../../../support/local-server.ts'

test.runIf(isInstalled('python3'))('asks a runtime for nothing that it would ignore', async () => {
  const child = spawn('python3', ['test/fixtures/subprocess/agents.py'], {
    env: { PATH: process.env['PATH'], PYTHONPATH: 'python' },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const say = (message: object) => child.stdin.write(`${JSON.stringify(message)}\n`)
  say({ type: 'hello', protocol: 1, limits: { message_bytes: 16_777_216, open_requests: 1_000 } })
  say({
    type: 'start',
    run: 1,
    agent: 'starter-sync',
    run_id: 'r',
    conversation_id: 'c',
    attempt: 1,
    messages: [{ role: 'user', content: 'Go.' }],
    params: null,
    metadata: {},
    preferences: {},
    principal: { id: 'ada', tenant_id: '', kind: 'user' },
    state: null,
  })
  const said: { type: string; message?: string; retriable?: boolean }[] = []
  for await (const line of createInterface(child.stdout)) {
    said.push(JSON.parse(line) as (typeof said)[number])
    if (said.at(-1)?.type === 'error') break
  }
  expect(said.map(({ type }) => type)).toEqual(['hello', 'error'])
  expect(said[1]).toMatchObject({ message: expect.stringContaining('`on_end`'), retriable: false })
  const exit = once(child, 'exit')
  child.stdin.end()
  await exit
})
