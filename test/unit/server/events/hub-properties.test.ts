import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { POLL_MS, createHubScene } from './hub-scene.ts'

type Step =
  | { kind: 'emit'; count: number; visibility: 'user' | 'debug' | 'internal' }
  | { kind: 'hint'; seq: number; first?: number }
  | { kind: 'join'; back: number; includeAll: boolean; isSlow: boolean }
  | { kind: 'leave'; index: number }
  | { kind: 'resync' | 'poll' | 'go on' | 'microtask' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('emit' as const),
      // Sometimes more than a page, and more than is kept.
      count: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 3 }) }, fc.constant(600)),
      visibility: fc.constantFrom('user', 'user', 'debug', 'internal'),
    }),
  },
  {
    weight: 4,
    // Hints of the past, of now, and with too few or too many events.
    arbitrary: fc.record(
      { kind: fc.constant('hint' as const), seq: fc.nat(12), first: fc.nat(12) },
      { requiredKeys: ['kind', 'seq'] },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      back: fc.oneof(fc.nat(8), fc.constant(5_000)),
      includeAll: fc.boolean(),
      isSlow: fc.boolean(),
    }),
  },
  fc.record({ kind: fc.constant('leave' as const), index: fc.nat(5) }),
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('go on' as const, 'microtask' as const) }) },
  fc.record({ kind: fc.constantFrom('resync' as const, 'poll' as const) }),
)

/** A scene in which the scheduler decides how long each query and slow reader takes. */
function createScheduledScene(s: fc.Scheduler) {
  const scene = createHubScene()
  const { store, ports, emit, events } = scene
  const scheduled: typeof ports.store.readEvents = async (...args) => {
    await s.schedule(Promise.resolve('query sent'))
    const rows = await store.readEvents(...args)
    await s.schedule(Promise.resolve('rows on their way'))
    return rows
  }
  ports.store.readEvents = scheduled
  ports.store.readNewEvents = scheduled
  const readers: { expected: () => number[]; seen: number[]; done: Promise<void>; leave: () => void }[] = []

  return {
    ...scene,
    readers,
    join({ back, includeAll, isSlow }: Extract<Step, { kind: 'join' }>) {
      const afterSeq = Math.max(0, events().length - back)
      const reader = scene.follow({
        afterSeq,
        filter: { includeAll },
        ...(isSlow ? { whenTaken: () => s.schedule(Promise.resolve('reader is slow')) } : {}),
      })
      readers.push({
        ...reader,
        leave: () => reader.stream.close(),
        expected: () =>
          events()
            .filter(
              ({ seq, type, visibility }) =>
                seq > afterSeq && (includeAll || visibility === 'user' || type === 'run.succeeded'),
            )
            .map(({ seq }) => seq),
      })
    },
    end() {
      emit('run.succeeded', 'internal')
    },
  }
}

async function perform(step: Step, scene: ReturnType<typeof createScheduledScene>, s: fc.Scheduler) {
  const { emit, events, hint, readers, bus, clock } = scene
  switch (step.kind) {
    case 'emit':
      for (let i = 0; i < step.count; i += 1) emit('a', step.visibility)
      return
    case 'hint': {
      const seq = Math.max(1, events().length - step.seq)
      return hint(seq, step.first === undefined ? undefined : Math.max(1, seq - step.first))
    }
    case 'join':
      return scene.join(step)
    case 'leave':
      return readers.splice(step.index, 1)[0]?.leave()
    case 'resync':
      return bus.resync()
    case 'poll':
      return clock.advance(POLL_MS)
    case 'go on':
      return s.count() > 0 ? s.waitOne() : undefined
    case 'microtask':
      return Promise.resolve()
  }
}

describe('whatever the order of things', () => {
  test('every reader sees every event after its cursor that is for it, once and in order, and ends', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(step, { maxLength: 60 }), async (s, steps) => {
        const scene = createScheduledScene(s)
        for (const each of steps) await perform(each, scene, s)
        scene.end()
        await s.waitIdle()
        scene.clock.advance(POLL_MS)
        await s.waitFor(Promise.all(scene.readers.map(({ done }) => done)))
        for (const { seen, expected } of scene.readers) expect(seen).toEqual(expected())
        expect(scene.clock.sleeping).toBe(0)
      }),
      { numRuns: 500 },
    )
  })

  test('while the newest hint comes through, nobody waits for a poll', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { maxLength: 60 }),
        fc.boolean(),
        async (s, steps, carries) => {
          const scene = createScheduledScene(s)
          for (const each of steps) if (each.kind !== 'poll') await perform(each, scene, s)
          scene.end()
          const seq = scene.events().length
          void s.schedule(Promise.resolve('last hint')).then(() => scene.hint(seq, carries ? seq : undefined))
          await s.waitFor(Promise.all(scene.readers.map(({ done }) => done)))
          for (const { seen, expected } of scene.readers) expect(seen).toEqual(expected())
          expect(scene.clock.now()).toBe(0)
        },
      ),
      { numRuns: 500 },
    )
  })
})
