// One trace over all processes of a run, including a killed one, as a collector gets it.
import { expect, test, vi } from 'vitest'
import { createWorkspace, entry, runCli } from '../../support/cli.ts'
import { createTestDatabase } from '../../support/database.ts'
import { startOtlpReceiver } from '../../support/otlp-receiver.ts'
import type { ReceivedSpan } from '../../support/otlp-receiver.ts'
import { getRun } from '../../support/rest.ts'

vi.setConfig({ testTimeout: 120_000 })

const UNTIL = { timeout: 60_000, interval: 100 }
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const CALLER = '00f067aa0ba902b7'
const json = { 'content-type': 'application/json' }

test.each(['2', '3'])('a run is one trace over killed and restarted processes, by line %s', async (line) => {
  await using collector = await startOtlpReceiver()
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const env = { DATABASE_URL: database.url, COLLECTOR_URL: collector.host, SDK_LINE: line }
  const start = (command: string, ...args: string[]) =>
    runCli([command, entry('traced'), ...args], { cwd: folder.path, env })
  const serve = async () => {
    const server = start('serve', '--port', '0', '--insecure')
    return { server, url: (await server.printed(/Listening on (\S+)/))[1] ?? '' }
  }
  const named = (name: string) => collector.spans().filter((span) => span.name === name)

  const first = await serve()
  await using server = first.server
  await using killed = start('worker')
  const created = await fetch(`${first.url}/api/agents/runs/`, {
    method: 'POST',
    headers: { ...json, traceparent: `00-${TRACE_ID}-${CALLER}-01` },
    body: JSON.stringify({ agent_key: 'order', messages: [{ role: 'user', content: 'A book.' }] }),
  })
  const { id } = (await created.json()) as { id: string }
  await expect.poll(() => named('step reserve'), UNTIL).toHaveLength(1)
  await using worker = start('worker')
  await worker.printed(/Working on/)
  killed.killAll('SIGKILL')
  await expect.poll(() => getRun(first.url, id), UNTIL).toMatchObject({ status: 'waiting' })
  for (const one of [server, worker]) {
    one.kill('SIGTERM')
    await one.exited
  }

  const second = await serve()
  await using _server = second.server
  await using _worker = start('worker')
  await fetch(`${second.url}/api/agents/runs/${id}/respond/`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ wait: 'sure', value: true }),
  })
  await expect.poll(() => getRun(second.url, id), UNTIL).toMatchObject({ status: 'succeeded' })
  await expect.poll(() => named('invoke_agent order'), UNTIL).toHaveLength(3)

  expect(new Set(collector.spans().map(({ traceId }) => traceId))).toEqual(new Set([TRACE_ID]))
  const [creation] = named('create_run order')
  expect(creation?.parentSpanId).toBe(CALLER)
  const attempts = named('invoke_agent order').toSorted((a, b) => attemptOf(a) - attemptOf(b))
  expect(attempts.map(attemptOf)).toEqual([2, 3, 4])
  expect(attempts.map(({ parentSpanId }) => parentSpanId)).toEqual(attempts.map(() => creation?.spanId))
  // The span of the killed attempt never came, but the spans below name it.
  const [reserve] = named('step reserve')
  expect(attempts.map(({ links }) => links.map(({ spanId }) => spanId))).toEqual([
    [reserve?.parentSpanId],
    [attempts[0]?.spanId],
    [attempts[1]?.spanId],
  ])
  expect(attempts.map(({ links: [link] }) => link?.attributes['agent_runtime.attempt'])).toEqual([1, 2, 3])

  const upFrom = (name: string) => namesAbove(collector.spans(), named(name)[0])
  expect(upFrom('execute_tool pay')).toEqual([
    'execute_tool pay',
    'step tool:pay',
    'invoke_agent payer',
    'create_run payer',
    'invoke_agent order',
    'create_run order',
  ])
})

const attemptOf = (span: ReceivedSpan) => Number(span.attributes['agent_runtime.attempt'])

/** The names of a span and of all above it. */
function namesAbove(spans: readonly ReceivedSpan[], span: ReceivedSpan | undefined): string[] {
  if (span === undefined) return []
  return [
    span.name,
    ...namesAbove(
      spans,
      spans.find(({ spanId }) => spanId === span.parentSpanId),
    ),
  ]
}
