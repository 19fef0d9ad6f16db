// Runs that have very many of one thing, as their events tell them.
import type { AnyRunEvent } from '../../server/contract/event.ts'
import type { Json } from '../../server/contract/json.ts'

type Told = [type: string, payload: Json, attempt?: number]

const delta = (messageId: string, content = 'x'): Told => ['assistant.delta', { messageId, content }]
const whole = (messageId: string): Told => ['assistant.message', { messageId, content: 'Done.' }]
const call = (toolCallId: string, messageId: string, attempt = 1): Told => [
  'tool.call',
  { toolCallId, tool: 'look', arguments: {}, messageId },
  attempt,
]
const input = (toolCallId: string, messageId: string): Told => [
  'tool.input',
  { toolCallId, tool: 'look', content: '{', messageId },
]
const result = (toolCallId: string): Told => [
  'tool.result',
  { toolCallId, tool: 'look', result: { found: true } },
]
const progress = (toolCallId: string, percent: number): Told => [
  'tool.progress',
  { toolCallId, tool: 'look', progress: percent },
]

function approved(toolCallId: string, attempt: number): Told[] {
  const wait = { name: `approve:${toolCallId}`, kind: 'approval', schema: {}, expiresAt: null }
  return [
    call(toolCallId, 'm', attempt),
    ['run.waiting', { ...wait, details: { toolCallId } }, attempt],
    ['run.resumed', { wait: wait.name }, attempt],
    ['run.started', {}, attempt + 1],
  ]
}

function child(childRunId: string): Told[] {
  const about = { childRunId, agentKey: 'child' }
  return [
    ['child.started', { ...about, detached: false }],
    ['child.ended', { ...about, status: 'succeeded', error: null }],
  ]
}

const times = (count: number, tell: (index: number) => Told[]): Told[] =>
  Array.from({ length: count }, (_, index) => tell(index)).flat()

const RUNS: Record<string, (count: number) => Told[]> = {
  'deltas of one message': (count) => times(count, () => [delta('m')]),
  messages: (count) => times(count, (index) => [delta(`m${index}`), whole(`m${index}`)]),
  'messages that are thought about and call a tool': (count) =>
    times(count, (index) => [
      ['reasoning.delta', { messageId: `m${index}`, content: 'x' }],
      call(`c${index}`, `m${index}`),
      result(`c${index}`),
    ]),
  'messages that the run was sent, and as many events': (count) => [
    whole('m'),
    ...times(count, (index) => [['user.message', { messageId: `u${index}`, content: 'And?' }]]),
    ...times(count, () => [['found', {}]]),
  ],
  'calls in one message': (count) => times(count, (index) => [call(`c${index}`, 'm'), result(`c${index}`)]),
  'calls that are written before they are made': (count) => [
    ...times(count, (index) => [input(`c${index}`, 'm'), input(`c${index}`, 'm')]),
    ...times(count, (index) => [call(`c${index}`, 'm')]),
  ],
  'messages whose calls are written before they are made': (count) => [
    ...times(count, (index) => [input(`c${index}`, `m${index}`)]),
    ...times(count, (index) => [call(`c${index}`, `m${index}`)]),
  ],
  'calls that are allowed one after another': (count) => [
    whole('m'),
    ...times(count, (index) => approved(`c${index}`, index + 1)),
  ],
  'custom events before there is a message': (count) => [...times(count, () => [['found', {}]]), whole('m')],
  'custom events, and as many reports of a call': (count) => [
    whole('m'),
    call('c', 'm'),
    ...times(count, () => [['found', {}]]),
    ...times(count, (index) => [progress('c', index)]),
  ],
  'child runs': (count) => times(count, (index) => child(`child ${index}`)),
}

/** By what they have `count` of. */
export const LONG_RUNS: Record<string, (count: number) => AnyRunEvent[]> = Object.fromEntries(
  Object.entries(RUNS).map(([name, tell]) => [
    name,
    (count: number) =>
      [...tell(count), ['run.succeeded', { output: null }, count + 1] as Told].map(
        ([type, payload, attempt = 1], index): AnyRunEvent => ({
          runId: '019aa000-0000-7000-8000-000000000001',
          seq: index + 1,
          attempt,
          visibility: 'user',
          ts: '2026-01-01T00:00:00.000Z',
          type,
          payload,
        }),
      ),
  ]),
)
