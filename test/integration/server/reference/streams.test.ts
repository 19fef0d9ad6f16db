// The recorded streams: names of frames, and what clients read of their data.
import { expect } from 'vitest'
import { test } from '../../../support/runtime.ts'
import { HELLO, RECORDED, TIME, ended, framesOf } from './scene.ts'

const LEVELS = { user: true, debug: false, internal: false }

/** A recorded frame: its type, its level, and the payload. */
type Frame = [type: string, level: keyof typeof LEVELS, payload: object]

/** The payload's fields are in it, as in the README, and beside it, as on the wire. */
const framed = (run_id: string, frames: readonly Frame[]) =>
  frames.map(([event, visibility_level, payload]) => ({
    event,
    data: {
      ...payload,
      run_id,
      seq: expect.any(Number) as number,
      type: event,
      payload,
      ts: TIME,
      visibility_level,
      ui_visible: LEVELS[visibility_level],
    },
  }))

const STARTED: Frame = ['run.started', 'internal', { attempt: 1, agent_key: 'everything' }]
const SAID: Frame[] = [
  ['assistant.delta', 'user', { delta: 'Hel', content: 'Hel' }],
  ['assistant.message', 'user', { content: 'Hello' }],
]
const TOOLS: Frame[] = [
  ['tool.call', 'debug', { tool: 't', name: 't', id: 'c1', arguments: { a: 1 } }],
  ['tool.result', 'debug', { result: { b: 2 }, tool_call_id: 'c1', name: 't' }],
  // Besides the recorded events: usage of models, here and not only at the end.
  ['usage', 'debug', { input_tokens: 2, output_tokens: 1 }],
]
const LAST: Frame[] = [
  ['error', 'user', { message: 'err', details: { code: 'ERR_001' } }],
  // Its own `type` is in its payload. The frame keeps its type.
  ['custom', 'user', {}],
]
const SUCCEEDED: Frame = ['run.succeeded', 'internal', { usage: { total_tokens: 3 }, output: { ok: true } }]
/** Every reader is told of the beginning and the end, without hidden payloads. */
const silent = ([type, level]: Frame): Frame => [type, level, {}]

const everything = { agent_key: 'everything', messages: HELLO }

test.for<[query: string, frames: Frame[]]>([
  ['', [silent(STARTED), ...SAID, ...LAST, silent(SUCCEEDED)]],
  ['?include_debug=true', [silent(STARTED), ...SAID, ...TOOLS, ...LAST, silent(SUCCEEDED)]],
  [
    '?include_all=true',
    [STARTED, ...SAID, ...TOOLS, ['state.checkpoint', 'internal', {}], ...LAST, SUCCEEDED],
  ],
])('of everything with "%s"', async ([query, frames], { createServer }) => {
  const server = await createServer(RECORDED)
  const id = await ended(server, everything)
  for (const path of ['events', 'events/stream']) {
    const seen = await framesOf(server, `/runs/${id}/${path}/${query}`)
    expect(seen).toMatchObject(framed(id, frames))
    if (query === '') expect(seen.at(-2)?.data).toMatchObject({ type: 'custom', payload: { type: 'x' } })
  }
})

test.for(['1', 'true', 'TRUE', 'True', 'yes', 'Yes'])('a flag may be %s', async (yes, { createServer }) => {
  const server = await createServer(RECORDED)
  const id = await ended(server, everything)
  const types = async (query: string) =>
    (await framesOf(server, `/runs/${id}/events/?${query}`)).map(({ event }) => event)
  expect(await types(`include_debug=${yes}`)).toContain('tool.call')
  expect(await types(`include_all=${yes}`)).toContain('state.checkpoint')
})

test('from a place on', async ({ createServer }) => {
  const server = await createServer(RECORDED)
  const id = await ended(server, everything)
  const all = await framesOf(server, `/runs/${id}/events/?include_all=true`)
  expect(all.map(({ data }) => data['seq'])).toEqual(all.map((_, index) => index + 1))
  expect(await framesOf(server, `/runs/${id}/events/?include_all=true&from_seq=3`)).toEqual(all.slice(2))
  // An EventSource that comes back is told to stay away. The Python system's began anew, without end.
  expect(await framesOf(server, `/runs/${id}/events/?from_seq=1000`)).toEqual([])
})

test('of a run that fails', async ({ createServer }) => {
  const server = await createServer(RECORDED)
  const id = await ended(server, { agent_key: 'failing', messages: HELLO })
  const seen = await framesOf(server, `/runs/${id}/events/?include_all=true`)
  expect(JSON.stringify(seen)).not.toContain('boom')
  expect(seen.map(({ event }) => event)).toEqual([
    'run.started',
    'run.retrying',
    'run.started',
    'run.retrying',
    'run.started',
    'run.failed',
  ])
  expect(seen.flatMap(({ event, data }) => (event === 'run.started' ? [data['attempt']] : []))).toEqual([
    1, 2, 3,
  ])
  expect(seen.at(-1)?.data).toMatchObject({
    error: expect.any(String) as string,
    attempt: 3,
    error_type: 'agent_error',
  })
})
