import { z } from 'zod'
import type { AnyAgent } from '../agent/agent.ts'
import type { AnySchedule } from '../agent/schedule.ts'
import { ConfigError } from '../config/config-error.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { toProblems } from '../contract/issues.ts'
import { PUBLIC_PRINCIPAL, Principal } from '../contract/principal.ts'
import { CreateRunInput } from '../contract/create-run.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Recurrence, ScheduleRef, Timetable } from '../ports/timetable.ts'
import { parseSchema } from '../agent/parse-schema.ts'
import { assertStorable } from '../contract/storable-json.ts'
import { unknownOption } from '../agent/unknown-option.ts'
import { MAKE_UP_MS, lastOccurrence } from './occurrences.ts'
import type { Runs } from './runs.ts'

export interface SchedulePorts {
  runs: Pick<Runs, 'create'>
  timetable: Pick<Timetable, 'next' | 'publish'>
  clock: Clock
  log: Logger
}

/** A checked schedule, with the principal and input of its runs. */
export interface CheckedSchedule extends ScheduleRef, Recurrence {
  principal: Principal
  input: CreateRunInput
}

const OPTIONS: Record<keyof AnySchedule, true> = {
  name: true,
  cron: true,
  timeZone: true,
  messages: true,
  metadata: true,
  principal: true,
  params: true,
}

const NAME = /^[a-zA-Z0-9_.-]{1,60}$/

/** The longest sleep. Timers hold less than a month, and the system's clock may be changed meanwhile. */
const MAX_SLEEP_MS = 60_000
const RETRY_MS = 1_000

/**
 * All schedules of these agents.
 *
 * @throws ConfigError that says in one sentence which schedule is wrong and why
 */
export function checkSchedules(
  agents: ReadonlyMap<string, AnyAgent>,
  timetable: Pick<Timetable, 'next'>,
  now: number,
): CheckedSchedule[] {
  return [...agents.values()].flatMap((agent) => {
    const names = new Set<string>()
    return (agent.schedules ?? []).map((schedule) => {
      const unknown = unknownOption(schedule, OPTIONS)
      if (unknown !== undefined) throw wrong(agent, schedule, unknown)
      if (!NAME.test(schedule.name)) {
        throw wrong(agent, schedule, 'a name is 1 to 60 letters, digits, "_", "-" or "."')
      }
      if (names.has(schedule.name)) throw wrong(agent, schedule, 'another of its schedules has the same name')
      names.add(schedule.name)
      return checkSchedule(agent, schedule, { timetable, now })
    })
  })
}

function checkSchedule(
  agent: AnyAgent,
  schedule: AnySchedule,
  { timetable, now }: { timetable: Pick<Timetable, 'next'>; now: number },
): CheckedSchedule {
  const { name, cron, timeZone = 'UTC', principal = PUBLIC_PRINCIPAL } = schedule
  const input = CreateRunInput.safeParse({ ...schedule, agentKey: agent.key })
  if (!input.success) throw wrong(agent, schedule, toProblems(input.error.issues).join('; '))
  checkParams(agent, schedule)
  const owner = Principal.safeParse(principal)
  if (!owner.success)
    throw wrong(agent, schedule, `its principal is not valid: ${toProblems(owner.error.issues).join('; ')}`)
  try {
    assertStorable(input.data)
    if (timetable.next({ cron, timeZone }, now) === undefined) throw new Error('its time never comes')
  } catch (error) {
    throw wrong(agent, schedule, error instanceof Error ? error.message : String(error))
  }
  return { agentKey: agent.key, name, cron, timeZone, principal: owner.data, input: input.data }
}

function checkParams(agent: AnyAgent, schedule: AnySchedule): void {
  if (agent.params === undefined) return
  try {
    const parsed = parseSchema(agent.params, schedule.params ?? {})
    // An asynchronous schema is checked when a run is created.
    if (parsed instanceof Promise) parsed.catch(() => {})
  } catch (error) {
    const why = error instanceof z.ZodError ? toProblems(error.issues).join('; ') : String(error)
    throw wrong(agent, schedule, `its params do not match the agent's schema: ${why}`)
  }
}

function wrong(agent: AnyAgent, { name }: AnySchedule, how: string): ConfigError {
  return new ConfigError(
    `The schedule ${JSON.stringify(name)} of agent "${agent.key}" is not valid: ${/[.?]$/.test(how) ? how : `${how}.`}`,
  )
}

/**
 * Creates a run at each occurrence of each schedule, until `signal` aborts. All processes do this. The occurrence is
 * the run's idempotency key, so only one process creates it, even after a crash.
 *
 * @param options `since` is when each schedule was last changed: no occurrence before that is made up for.
 */
export async function runSchedules(
  ports: SchedulePorts,
  options: {
    schedules: readonly CheckedSchedule[]
    since: Awaited<ReturnType<Timetable['publish']>>
    signal: AbortSignal
  },
): Promise<void> {
  const { schedules, since, signal } = options
  await Promise.all(
    schedules.map((schedule) => {
      const known = since.find(
        ({ agentKey, name }) => agentKey === schedule.agentKey && name === schedule.name,
      )
      return keepSchedule(ports, { schedule, since: known?.since ?? ports.clock.now(), signal })
    }),
  )
}

async function keepSchedule(
  ports: SchedulePorts,
  { schedule, since, signal }: { schedule: CheckedSchedule; since: number; signal: AbortSignal },
): Promise<void> {
  const { timetable, clock, log } = ports
  let done = Math.max(since, clock.now() - MAKE_UP_MS)
  while (!signal.aborted) {
    try {
      const next = timetable.next(schedule, done)
      if (next === undefined) return
      const now = clock.now()
      if (next > now) {
        await clock.sleep(Math.min(next - now, MAX_SLEEP_MS), signal)
        continue
      }
      const occurrence = lastOccurrence((after) => timetable.next(schedule, after), { first: next, now })
      await createOccurrence(ports, schedule, occurrence)
      done = occurrence
    } catch (error) {
      const fields = { err: error, agentKey: schedule.agentKey, schedule: schedule.name }
      log.warn(fields, 'creating the run of a schedule failed; trying again')
      await clock.sleep(RETRY_MS, signal)
    }
  }
}

/** @throws when a later try may succeed. */
async function createOccurrence(
  { runs, log }: SchedulePorts,
  schedule: CheckedSchedule,
  occurrence: number,
): Promise<void> {
  const fields = { agentKey: schedule.agentKey, schedule: schedule.name, at: isoOf(occurrence) }
  try {
    const { run, created } = await runs.create(schedule.principal, ...requestOf(schedule, occurrence))
    if (created) log.debug({ ...fields, runId: run.id }, 'created the run of a schedule')
  } catch (error) {
    if (!(error instanceof AgentRuntimeError)) throw error
    log.error({ ...fields, err: error }, 'the run of a schedule was refused')
  }
}

function requestOf(
  { agentKey, name, input }: CheckedSchedule,
  time: number,
): [input: CreateRunInput, options: { occurrence: string }] {
  const at = isoOf(time)
  const metadata = { ...input.metadata, schedule: { name, at } }
  // `runAt` makes the run start by the database's clock, since this process's clock may be ahead.
  return [{ ...input, metadata, runAt: at }, { occurrence: `${agentKey}/${name}/${at}` }]
}

function isoOf(time: number): string {
  return new Date(time).toISOString()
}
