// The behaviour that every event bus must have. A backend's test file passes its own bus in.
import { test as base, describe, expect, vi } from 'vitest'
import type { NewEvent } from '../../../../server/ports/attempt.ts'
import type { EventBus, Hint, NewHint } from '../../../../server/ports/event-bus.ts'
import { isolatedQueue } from '../../../../server/ports/queue.ts'
import type { Logger } from '../../../../server/ports/logger.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'

/** The backend that carries the hints, and what tests can do to it. */
export interface Backend extends AsyncDisposable {
  /** The bus of a single process. */
  createBus(log: Logger): EventBus
  /** Ends the connections of every listening process, once. */
  breakListening(): Promise<void>
  goAway(): Promise<void>
  comeBack(): Promise<void>
  /** Sends a text on the channel of hints. */
  sendForeign(text: string): Promise<void>
  /** Connections of the buses, as the backend sees them. */
  connections(): Promise<number>
}

interface Process {
  bus: EventBus
  /** The received hints, without their events. */
  hints: Hint[]
  resyncs(): number
  log: ReturnType<typeof createSilentLogger>
}

export function testEventBus(
  createBackend: () => Promise<Backend>,
  { carriesEvents }: { carriesEvents: boolean },
): void {
  const test = base.extend<{ backend: Backend; join: () => Promise<Process> }>({
    // oxlint-disable-next-line no-empty-pattern -- vitest reads from it that no other fixture is needed
    backend: async ({}, use) => {
      await using backend = await createBackend()
      await use(backend)
    },
    join: async ({ backend }, use) => {
      const buses: EventBus[] = []
      await use(async () => {
        const log = createSilentLogger()
        const bus = backend.createBus(log)
        buses.push(bus)
        const hints: Hint[] = []
        let resyncs = 0
        bus.subscribe({ onHint: (hint) => hints.push(bare(hint)), onResync: () => (resyncs += 1) })
        await bus.start()
        return { bus, hints, resyncs: () => resyncs, log }
      })
      await Promise.all(buses.map((bus) => bus.stop()))
      await backend.comeBack()
      await vi.waitFor(async () => expect(await backend.connections()).toBe(0))
    },
  })

  /** Hints pass again, in both directions. */
  async function hear(here: Process, there: Process, hint: NewHint): Promise<void> {
    await vi.waitFor(() => {
      here.bus.publish([hint])
      expect(there.hints).toContainEqual(hint)
    })
  }

  describe('hints', () => {
    test('of every kind arrive in every process, the sender’s own too', async ({ join }) => {
      const [here, there] = [await join(), await join()]
      const sent: Hint[] = [
        { kind: 'events', runId: 'r', seq: 7 },
        { kind: 'cancel', runId: 'r' },
        { kind: 'queued', agentKey: 'a "quoted"\nkey' },
        { kind: 'queued', agentKey: 'b', runs: [{ runId: 'r', seq: 3 }] },
        { kind: 'queued', agentKey: isolatedQueue('k'.repeat(100)) },
        { kind: 'worker', workerId: 'w', agents: 'all', isLeaving: false },
      ]
      here.bus.publish(sent)
      for (const { hints } of [here, there]) await vi.waitFor(() => expect(hints).toEqual(sent))
      expect([here.resyncs(), there.resyncs()]).toEqual([0, 0])
    })

    test('of one run are as one, the newest; many runs make few messages', async ({ join }) => {
      const [here, there] = [await join(), await join()]
      for (let seq = 1; seq <= 50; seq += 1) {
        here.bus.publish(
          Array.from({ length: 200 }, (_, run): Hint => ({ kind: 'events', runId: `run-${run}`, seq })),
        )
      }
      await vi.waitFor(() => {
        const newest = there.hints.filter((hint) => hint.kind === 'events' && hint.seq === 50)
        expect(newest).toHaveLength(200)
      })
      expect(there.hints.length).toBeLessThan(1_000)
    })

    test('of runs to be taken are as one for each agent, which names them unless they are too many', async ({
      join,
    }) => {
      const { bus, hints } = await join()
      const queue = (agentKey: string, count: number) => {
        for (let run = 0; run < count; run += 1) {
          bus.publish([{ kind: 'queued', agentKey, runs: [{ runId: `run-${run}`, seq: run }] }])
        }
      }
      // While this is sent, the others are collected.
      bus.publish([{ kind: 'cancel', runId: 'r' }])
      queue('few', 30)
      queue('many', 300)
      const expected = { kind: 'queued', agentKey: 'few', runs: expect.any(Array) }
      await vi.waitFor(() => expect(hints).toEqual([{ kind: 'cancel', runId: 'r' }, expected, MANY]))
      const few = hints.find((hint) => hint.kind === 'queued' && hint.runs !== undefined)
      expect(few).toMatchObject({
        runs: Array.from({ length: 30 }, (_, run) => ({ runId: `run-${run}`, seq: run })),
      })
    })

    test('that were told of in another order end with the newest', async ({ join }) => {
      const { bus, hints } = await join()
      for (const seq of [1, 9, 4]) bus.publish([{ kind: 'events', runId: 'r', seq }])
      await vi.waitFor(() => expect(hints.at(-1)).toEqual({ kind: 'events', runId: 'r', seq: 9 }))
    })

    test('of one run arrive in order', async ({ join }) => {
      const [here, there] = [await join(), await join()]
      for (let seq = 1; seq <= 300; seq += 1) {
        here.bus.publish([{ kind: 'events', runId: 'r', seq, written: [append('r', seq, ['"x"'])] }])
        if (seq % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      await vi.waitFor(() => expect(there.hints.at(-1)).toMatchObject({ seq: 300 }))
      const seqs = there.hints.map((hint) => (hint.kind === 'events' ? hint.seq : 0))
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
    })

    test('tell of events of any size', async ({ join }) => {
      const [here, there] = [await join(), await join()]
      const large = JSON.stringify('é\n'.repeat(300_000))
      const written = [append('large', 1, [large])]
      here.bus.publish([
        { kind: 'events', runId: 'large', seq: 1, written },
        { kind: 'events', runId: 'small', seq: 1, written: [append('small', 1, ['"s"'])] },
      ])
      const told = [
        { kind: 'events', runId: 'large', seq: 1 },
        { kind: 'events', runId: 'small', seq: 1 },
      ]
      await vi.waitFor(() => expect(there.hints).toEqual(told))
    })

    test('carry events or leave them to the store', async ({ join }) => {
      const { bus } = await join()
      const heard: unknown[] = []
      bus.subscribe({ onHint: (hint) => hint.kind === 'events' && heard.push(hint.events), onResync() {} })
      bus.publish([{ kind: 'events', runId: 'r', seq: 4, written: [append('r', 3, ['{"a":"\\n"}', '2'])] }])
      const shared = { runId: 'r', attempt: 1, type: 'word', visibility: 'user', ts: TS }
      const events = [
        { ...shared, seq: 3, payload: { a: '\n' } },
        { ...shared, seq: 4, payload: 2 },
      ]
      await vi.waitFor(() => expect(heard).toEqual([carriesEvents ? events : undefined]))
    })

    test('that are not ours are ignored', async ({ join, backend }) => {
      const { bus, hints, log } = await join()
      const foreign = [
        '',
        'hello',
        '{}',
        '[{"kind":"unknown"}]',
        '[{"kind":"events","runId":1}]',
        '[{"kind":"events","runId":"r","seq":-1},{"kind":"events","runId":"r","seq":1e300}]',
        '[{"kind":"queued","agentKey":{"$ne":""}},{"kind":["cancel"],"runId":"r"}]',
        `[{"kind":"cancel","runId":"${'r'.repeat(5_000)}"}]`,
        `[{"kind":"queued","agentKey":"a","runs":[${'{"runId":"r","seq":1},'.repeat(200)}null]}]`,
        `${'['.repeat(3_900)}${']'.repeat(3_900)}`,
        `[${'0,'.repeat(3_900)}0]`,
      ]
      for (const text of foreign) await backend.sendForeign(text)
      bus.publish([{ kind: 'cancel', runId: 'r' }])
      await vi.waitFor(() => expect(hints).toEqual([{ kind: 'cancel', runId: 'r' }]))
      expect(log.entries.filter(({ level }) => level === 'debug')).toHaveLength(foreign.length)
      expect(log.entries.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
    })

    test('are heard though some that come with them are a newer version’s', async ({ join, backend }) => {
      const { hints } = await join()
      await backend.sendForeign('[{"kind":"unknown"},{"kind":"cancel","runId":"r"},null]')
      await vi.waitFor(() => expect(hints).toEqual([{ kind: 'cancel', runId: 'r' }]))
    })
  })

  describe('a listener', () => {
    test('hears nothing any more once it unsubscribed', async ({ join }) => {
      const { bus, hints } = await join()
      const heard: Hint[] = []
      const unsubscribe = bus.subscribe({ onHint: (hint) => heard.push(hint), onResync() {} })
      bus.publish([{ kind: 'cancel', runId: 'first' }])
      await vi.waitFor(() => expect(heard).toHaveLength(1))
      unsubscribe()
      unsubscribe()
      bus.publish([{ kind: 'cancel', runId: 'second' }])
      await vi.waitFor(() => expect(hints).toHaveLength(2))
      expect(heard).toHaveLength(1)
    })

    test('that fails keeps nobody else from hearing', async ({ join }) => {
      const { bus, log } = await join()
      bus.subscribe({
        onHint() {
          throw new Error('fails')
        },
        onResync() {},
      })
      const heard: Hint[] = []
      bus.subscribe({ onHint: (hint) => heard.push(hint), onResync() {} })
      bus.publish([{ kind: 'cancel', runId: 'r' }])
      await vi.waitFor(() => expect(heard).toHaveLength(1))
      expect(log.entries.some(({ level }) => level === 'error')).toBe(true)
    })
  })

  describe('after a break', () => {
    test('each time, everybody is told to look at everything, and hears again', async ({ join, backend }) => {
      const [here, there] = [await join(), await join()]
      for (let round = 1; round <= 3; round += 1) {
        await backend.breakListening()
        for (const { resyncs } of [here, there]) {
          await vi.waitFor(() => expect(resyncs()).toBe(round))
        }
        await hear(here, there, { kind: 'events', runId: 'r', seq: round })
      }
    })

    test('of everything, for a while, too; publishing meanwhile harms nobody', async ({ join, backend }) => {
      const [here, there] = [await join(), await join()]
      await backend.goAway()
      const warned = () => there.log.entries.some(({ level }) => level === 'warn')
      await vi.waitFor(() => expect(warned()).toBe(true))
      for (let seq = 1; seq <= 100; seq += 1) here.bus.publish([{ kind: 'events', runId: 'lost', seq }])
      await backend.comeBack()
      for (const { resyncs } of [here, there]) {
        await vi.waitFor(() => expect(resyncs()).toBe(1))
      }
      await hear(here, there, { kind: 'cancel', runId: 'r' })
      expect(there.resyncs()).toBe(1)
    })
  })

  describe('stopping', () => {
    test('sends what was published before, and takes nothing more', async ({ join }) => {
      const [here, there] = [await join(), await join()]
      here.bus.publish([{ kind: 'cancel', runId: 'before' }])
      const stopped = here.bus.stop()
      here.bus.publish([{ kind: 'cancel', runId: 'while' }])
      await stopped
      here.bus.publish([{ kind: 'cancel', runId: 'after' }])
      await vi.waitFor(() => expect(there.hints).toEqual([{ kind: 'cancel', runId: 'before' }]))
    })

    test('at any time in connecting again leaves no connection', async ({ join, backend }) => {
      for (let turns = 0; turns < 20; turns += 2) {
        const { bus, resyncs } = await join()
        await backend.breakListening()
        for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve))
        const before = resyncs()
        await bus.stop()
        expect(resyncs()).toBe(before)
        await vi.waitFor(async () => expect(await backend.connections()).toBe(0))
      }
    })

    test('does not wait for a backend that is away', async ({ join, backend }) => {
      const { bus } = await join()
      await backend.goAway()
      bus.publish([{ kind: 'cancel', runId: 'r' }])
      await bus.stop()
    })

    test('is possible without having started', async ({ backend }) => {
      const bus = backend.createBus(createSilentLogger())
      bus.publish([{ kind: 'cancel', runId: 'r' }])
      await bus.stop()
    })
  })
}

const MANY = { kind: 'queued', agentKey: 'many' }

const TS = '2026-01-01T00:00:00.000Z'

/** What a worker wrote: events with these payloads, of which the first has this `seq`. */
function append(runId: string, seq: number, payloads: readonly string[]) {
  const events = payloads.map((payload, index): NewEvent => ({
    seq: seq + index,
    type: 'word',
    visibility: 'user',
    payload,
    ts: TS,
  }))
  return { runId, attempt: 1, baseSeq: seq - 1, events }
}

function bare(hint: Hint): Hint {
  return hint.kind === 'events' ? { kind: 'events', runId: hint.runId, seq: hint.seq } : hint
}
