import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { AgentRuntimeError } from '../../../../server/contract/agent-runtime-error.ts'
import { PUBLIC_PRINCIPAL } from '../../../../server/contract/principal.ts'
import { CreateRunInput } from '../../../../server/contract/create-run.ts'
import type { Run } from '../../../../server/contract/run.ts'
import { checkSchedules, runSchedules } from '../../../../server/domain/schedules.ts'
import { createAgentRuntime, defineAgent } from '../../../../server/index.ts'
import type { AnySchedule } from '../../../../server/index.ts'
import { ManualClock, settled } from '../../../support/manual-clock.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** Occurs every full minute. */
const timetable = {
  next: (_recurrence: unknown, after: number) => (Math.floor(after / MINUTE) + 1) * MINUTE,
  publish: async () => [],
}

function startKeeping({
  since = 0,
  fails,
}: { since?: number; fails?: (call: number) => Error | undefined } = {}) {
  const clock = new ManualClock()
  const stopping = new AbortController()
  const log = createSilentLogger()
  const created: CreateRunInput[] = []
  const occurrences: (string | undefined)[] = []
  let calls = 0
  const runs = {
    create: async (
      _principal: unknown,
      input: z.input<typeof CreateRunInput>,
      options?: { occurrence: string },
    ) => {
      const error = fails?.((calls += 1))
      if (error !== undefined) throw error
      created.push(CreateRunInput.parse(input))
      occurrences.push(options?.occurrence)
      return {
        run: { id: `run ${created.length}` } as Run,
        created: true,
        alreadySaid: 0,
        sentMessageIds: [],
      }
    },
  }
  const agent = defineAgent({
    key: 'a',
    schedules: [{ name: 's', cron: '* * * * *', metadata: { team: 'red' } }],
    run: async () => {},
  })
  const schedules = checkSchedules(new Map([['a', agent]]), timetable, 0)
  const begin = () =>
    runSchedules(
      { runs, timetable, clock, log },
      { schedules, since: [{ agentKey: 'a', name: 's', since }], signal: stopping.signal },
    )
  const advance = async (ms: number) => {
    clock.advance(ms)
    await settled()
  }
  const at = () => created.map(({ metadata }) => (metadata['schedule'] as { at: string }).at.slice(11, 19))
  return { clock, log, created, occurrences, begin, advance, at, stop: () => stopping.abort() }
}

describe('keeping schedules', () => {
  test('creates a run at each occurrence, which its key and its metadata name', async () => {
    const { begin, advance, created, occurrences, at, stop } = startKeeping()
    const kept = begin()
    await advance(MINUTE - 1)
    expect(created).toEqual([])
    await advance(1)
    expect(created).toEqual([
      {
        agentKey: 'a',
        messages: [],
        priority: 0,
        metadata: { team: 'red', schedule: { name: 's', at: '1970-01-01T00:01:00.000Z' } },
        runAt: '1970-01-01T00:01:00.000Z',
      },
    ])
    expect(occurrences).toEqual(['a/s/1970-01-01T00:01:00.000Z'])
    await advance(MINUTE)
    await advance(MINUTE)
    expect(at()).toEqual(['00:01:00', '00:02:00', '00:03:00'])
    stop()
    await kept
  })

  test('of what came due while nobody was there, makes up for the last', async () => {
    const { clock, begin, advance, at, stop } = startKeeping()
    clock.advance(10 * MINUTE + 5)
    const kept = begin()
    await advance(0)
    expect(at()).toEqual(['00:10:00'])
    stop()
    await kept
  })

  test('makes up for nothing from before the schedule was', async () => {
    const { clock, begin, advance, at, stop } = startKeeping({ since: HOUR + 1 })
    clock.advance(HOUR + 10)
    const kept = begin()
    await advance(0)
    expect(at()).toEqual([])
    await advance(MINUTE)
    expect(at()).toEqual(['01:01:00'])
    stop()
    await kept
  })

  test('tries again when creating fails, and says so', async () => {
    const { begin, advance, at, log, stop } = startKeeping({
      fails: (call) => (call < 3 ? new Error('no database') : undefined),
    })
    const kept = begin()
    await advance(MINUTE)
    await advance(1_000)
    expect(at()).toEqual([])
    await advance(1_000)
    expect(at()).toEqual(['00:01:00'])
    expect(log.entries.filter(({ level }) => level === 'warn')).toHaveLength(2)
    stop()
    await kept
  })

  test('goes on with the next occurrence when one is refused', async () => {
    const { begin, advance, at, log, stop } = startKeeping({
      fails: (call) => (call === 1 ? new AgentRuntimeError('validation_failed', 'no') : undefined),
    })
    const kept = begin()
    await advance(MINUTE)
    await advance(MINUTE)
    expect(at()).toEqual(['00:02:00'])
    expect(log.entries.find(({ level }) => level === 'error')?.fields).toMatchObject({ schedule: 's' })
    stop()
    await kept
  })
})

describe('a schedule that can not be kept is refused when the runtime is made', () => {
  const valid = { name: 'morning', cron: '0 8 * * *', params: { topic: 'news' } }
  const make = (...schedules: AnySchedule[]) => {
    const params = z.object({ topic: z.string() })
    const agent = { key: 'a', params, schedules, run: async () => {} }
    return () => createAgentRuntime({ agents: [agent], logger: createSilentLogger() })
  }

  test('unlike one that can', () => {
    expect(
      make(valid, { ...valid, name: 'evening', cron: '0 0 20 * * 1-5', timeZone: 'Europe/Lisbon' }),
    ).not.toThrow()
  })

  test.each<[string, AnySchedule[], string]>([
    [
      'an option that is none',
      [{ ...valid, ...{ timezone: 'Europe/Lisbon' } }],
      'there is no option timezone, did you mean timeZone?',
    ],
    ['a bad cron', [{ ...valid, cron: '0 25 * * *' }], 'Constraint error, got value 25 expected range 0-23.'],
    [
      'too few fields',
      [{ ...valid, cron: '0 8' }],
      '"0 8" is not a cron expression, which has five fields, or six with seconds.',
    ],
    [
      'an unknown time zone',
      [{ ...valid, timeZone: 'Mars/Olympus' }],
      'Unknown or unsupported time zone: "Mars/Olympus".',
    ],
    [
      'params that do not match',
      [{ ...valid, params: { topic: 7 } }],
      "its params do not match the agent's schema: topic: ",
    ],
    ['no params where some are needed', [{ name: 'morning', cron: '0 8 * * *' }], 'its params do not match'],
    ['a name twice', [valid, valid], 'another of its schedules has the same name.'],
    ['a malformed name', [{ ...valid, name: 'a/b' }], 'a name is 1 to 60 letters, digits, "_", "-" or ".".'],
    ['what PostgreSQL can not hold', [{ ...valid, metadata: { a: '\0' } }], ''],
    ['messages that are none', [{ ...valid, messages: [{ role: 'user' }] as never }], 'messages.0.content: '],
  ])('%s', (_what, schedules, how) => {
    const { name } = schedules.at(-1) as AnySchedule
    expect(make(...schedules)).toThrow(
      expect.objectContaining({
        name: 'ConfigError',
        message: expect.stringContaining(`The schedule "${name}" of agent "a" is not valid: ${how}`),
      }),
    )
  })

  test('and one agent may have a name another has', () => {
    const agents = ['a', 'b'].map((key) =>
      defineAgent({ key, schedules: [{ name: 's', cron: '* * * * *' }], run: async () => {} }),
    )
    expect(() => createAgentRuntime({ agents, logger: createSilentLogger() })).not.toThrow()
    expect(PUBLIC_PRINCIPAL.kind).toBe('public')
  })
})
