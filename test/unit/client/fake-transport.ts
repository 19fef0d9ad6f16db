// A server seen from inside the client, driven step by step by a test.
import { AgentRuntimeError } from '../../../server/contract/agent-runtime-error.ts'
import type { AnyRunEvent } from '../../../server/contract/event.ts'
import type { RunDetail } from '../../../server/contract/run.ts'
import type { ClientClock } from '../../../client/clock.ts'
import type { FollowDependencies } from '../../../client/follow-run.ts'
import { DEFAULT_RECONNECT_POLICY } from '../../../client/reconnect-policy.ts'
import type { RunTransport, StreamObserver, StreamRequest } from '../../../client/transport.ts'

export const RUN_ID = '019aa000-0000-7000-8000-000000000001'

export function runRecord(record: Partial<RunDetail> = {}): RunDetail {
  return {
    id: RUN_ID,
    owner: { id: 'ada', tenantId: '', kind: 'user' },
    agentKey: 'chat',
    status: 'queued',
    conversationId: null,
    params: null,
    metadata: {},
    output: null,
    error: null,
    idempotencyKey: null,
    attempt: 0,
    maxAttempts: 3,
    budget: null,
    priority: 0,
    runAt: null,
    expiresAt: null,
    lastSeq: 0,
    cancelRequestedAt: null,
    parentRunId: null,
    rootRunId: null,
    depth: 0,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    startedAt: null,
    finishedAt: null,
    messages: [],
    inputCount: 0,
    usage: null,
    waits: [],
    ...record,
  }
}

export function runEvent(seq: number, event: Partial<AnyRunEvent> = {}): AnyRunEvent {
  return {
    runId: RUN_ID,
    seq,
    attempt: 1,
    visibility: 'user',
    ts: '2026-01-01T00:00:00.000Z',
    type: 'custom',
    payload: {},
    ...event,
  }
}

export function delta(seq: number, content: string, { messageId = 'm1', attempt = 1 } = {}): AnyRunEvent {
  return runEvent(seq, { type: 'assistant.delta', attempt, payload: { messageId, content } })
}

interface FakeStream extends StreamObserver {
  readonly request: StreamRequest
  isClosed: boolean
}

export interface FakeTransport extends RunTransport {
  readonly streams: FakeStream[]
  /** Resolves with the stream that is opened after `before` others. */
  opened(before: number): Promise<FakeStream>
  /** The answer of `getRun`, or its error. */
  record: RunDetail | AgentRuntimeError
  recordReads: number
}

export function fakeTransport(record: RunDetail | AgentRuntimeError = runRecord()): FakeTransport {
  const streams: FakeStream[] = []
  let onOpened = () => {}
  return {
    streams,
    record,
    recordReads: 0,
    async opened(before) {
      while (streams.length <= before) await new Promise<void>((resolve) => (onOpened = resolve))
      return streams[before]!
    },
    async getRun() {
      this.recordReads += 1
      if (this.record instanceof AgentRuntimeError) throw this.record
      return this.record
    },
    openStream(request, observer) {
      const stream: FakeStream = { ...observer, request, isClosed: false }
      streams.push(stream)
      onOpened()
      return () => (stream.isClosed = true)
    },
  }
}

export interface FakeClock extends ClientClock {
  /** Lets time pass, and its waiters continue. */
  advance(ms: number): Promise<void>
  readonly sleeping: number
}

export function fakeClock(): FakeClock {
  let time = 0
  let sleepers: { until: number; wake: () => void }[] = []
  return {
    now: () => time,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const sleeper = { until: time + ms, wake: resolve }
        sleepers.push(sleeper)
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((other) => other !== sleeper)
          resolve()
        })
      }),
    async advance(ms) {
      await settled()
      time += ms
      const due = sleepers.filter(({ until }) => until <= time)
      sleepers = sleepers.filter(({ until }) => until > time)
      for (const { wake } of due) wake()
      await settled()
    },
    get sleeping() {
      return sleepers.length
    },
  }
}

/** Resolves when everything has happened that needs no time and no server. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

export function dependencies(transport: RunTransport, clock: ClientClock): FollowDependencies {
  return { transport, clock, policy: DEFAULT_RECONNECT_POLICY, random: () => 0.5 }
}

export const LOST = new AgentRuntimeError('unavailable', 'The connection was lost.')
