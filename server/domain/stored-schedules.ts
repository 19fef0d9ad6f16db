// Schedules that callers make at run time, in addition to those in agents' code.
import { v7 as uuidv7 } from 'uuid'
import type { AnyAgent } from '../agent/agent.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { decodeCursor } from '../contract/page.ts'
import type { Page } from '../contract/page.ts'
import { parseInput } from '../contract/parse-input.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Owner, Principal } from '../contract/principal.ts'
import { CreateRunInput } from '../contract/create-run.ts'
import type { SpokenRun } from '../contract/run.ts'
import { CreateScheduleInput, ListSchedulesInput, ScheduleId } from '../contract/schedule.ts'
import type {
  CreateScheduleRequest,
  ListSchedulesRequest,
  ScheduleSummary,
  StoredSchedule,
} from '../contract/schedule.ts'
import { assertStorable } from '../contract/storable-json.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import { isSameOwner, ownerOf } from '../ports/owner.ts'
import type { ScheduleStore } from '../ports/store/schedule-store.ts'
import type { Timetable } from '../ports/timetable.ts'
import type { Access } from './access.ts'
import { checkParams } from './check-params.ts'
import type { CheckLimits } from './limits.ts'
import type { Runs } from './runs.ts'
import { firstOccurrence, occurrencesOf } from './schedule-times.ts'
import { unknownAgent } from './unknown-agent.ts'

/** The use cases of schedules that callers made; see {@link Runs} on who may see what. */
export interface Schedules {
  /**
   * Creates a schedule: at each occurrence a run is created, which the caller owns.
   *
   * @throws AgentRuntimeError `forbidden` for anonymous visitors; `rate_limited` for a caller that has
   * `schedulesPerPrincipal` already.
   * @example
   * await runtime.schedules.create(user, { agentKey: 'digest', cron: '0 8 * * 1-5', timeZone: 'Europe/Lisbon' })
   */
  create(principal: Principal, input: CreateScheduleRequest): Promise<StoredSchedule>
  get(principal: Principal, scheduleId: string): Promise<StoredSchedule>
  list(principal: Principal, input: ListSchedulesRequest): Promise<Page<StoredSchedule>>
  /** Stops the schedule from creating runs. Runs that it created continue. */
  pause(principal: Principal, scheduleId: string): Promise<StoredSchedule>
  /** Continues with the next occurrence. Missed occurrences are not made up for. */
  resume(principal: Principal, scheduleId: string): Promise<StoredSchedule>
  /** Creates a run of the schedule now, even when it is paused. Each call creates one. */
  runNow(principal: Principal, scheduleId: string): Promise<SpokenRun>
  /** Deletes the schedule. Its runs stay. */
  delete(principal: Principal, scheduleId: string): Promise<void>
}

interface SchedulePorts {
  store: ScheduleStore
  runs: Pick<Runs, 'create' | 'get'>
  access: Access
  timetable: Pick<Timetable, 'next' | 'preview'>
  clock: Pick<Clock, 'now'>
  log: Logger
}

interface ScheduleSettings {
  agents: ReadonlyMap<string, AnyAgent>
  checkLimits: CheckLimits
  /** How many a principal may have. */
  perPrincipal: number
  /** The shortest time between two occurrences. */
  minSeconds: number
}

/** The request for the run of an occurrence. */
export function requestOf({ id, name, ...schedule }: StoredSchedule, at: string) {
  const { agentKey, messages, params, conversationId, metadata } = schedule
  return {
    agentKey,
    messages,
    ...(params !== null && { params }),
    ...(conversationId !== null && { conversationId }),
    metadata: { ...metadata, schedule: { id, name, at } },
  }
}

// oxlint-disable-next-line max-lines-per-function -- A list of use cases, closures over the same ports.
export function createSchedules(ports: SchedulePorts, settings: ScheduleSettings): Schedules {
  const { store, runs, access, timetable, clock, log } = ports

  async function get(caller: Principal, id: string): Promise<StoredSchedule> {
    const reach = await access.reach(caller, 'schedule')
    const schedule = reach && (await store.getSchedule(reach, id))
    if (schedule === null) throw noSuchSchedule(id)
    return schedule
  }

  /** Checks that the caller may do this, and returns the schedule. The write names its owner. */
  async function toChange(
    caller: Principal,
    action: 'update' | 'delete',
    id: string,
  ): Promise<StoredSchedule> {
    const schedule = await get(caller, id)
    await access.assertMay(caller, action, { kind: 'schedule', schedule: summaryOf(schedule) })
    return schedule
  }

  function logChange(what: string, caller: Principal, { id, owner }: { id: string; owner: Owner }): void {
    const by = ownerOf(caller)
    log.info({ scheduleId: id, by, ...(!isSameOwner(by, owner) && { owner }) }, `a schedule was ${what}`)
  }

  return {
    async create(principal, request) {
      const caller = parsePrincipal(principal)
      const input = parseInput(CreateScheduleInput, request)
      const agent = settings.agents.get(input.agentKey)
      if (agent === undefined) throw unknownAgent(input.agentKey, settings.agents)
      assertStorable(input)
      // Visitors come and go, so nobody would be left to end the schedule.
      if (caller.kind === 'anonymous')
        throw new AgentRuntimeError('forbidden', 'Visitors cannot create schedules.')
      const { agentKey, conversationId = null } = input
      await access.assertMay(caller, 'create', { kind: 'schedule', agentKey })
      await access.assertMay(caller, 'create', { kind: 'run', agentKey, conversationId })
      const asked = parseInput(CreateRunInput, { agentKey, messages: input.messages })
      await settings.checkLimits(caller, asked, { maxAttempts: 1, timeoutMs: 1, budget: undefined })
      const params = await checkParams(agent, input.params)
      const { cron = null, everySeconds = null, timeZone, name = null, messages, metadata } = input
      const createdAt = new Date(clock.now())
      const times = { cron, everySeconds, timeZone, createdAt: createdAt.toISOString() }
      const nextAt = firstOccurrence(times, timetable, settings.minSeconds)
      const schedule = await store.createSchedule(
        {
          id: uuidv7(),
          owner: ownerOf(caller),
          ...{ name, agentKey, cron, everySeconds, timeZone, messages, params, metadata, conversationId },
          createdAt,
          nextAt,
        },
        settings.perPrincipal,
      )
      if (schedule === null) throw full(settings.perPrincipal)
      logChange('created', caller, schedule)
      return schedule
    },

    async get(principal, scheduleId) {
      return get(parsePrincipal(principal), parseInput(ScheduleId, scheduleId))
    },

    async list(principal, request) {
      const caller = parsePrincipal(principal)
      const { cursor, scope, ...filter } = parseInput(ListSchedulesInput, request)
      assertStorable(filter)
      const reach = await access.reachWithin(caller, 'schedule', scope)
      return store.listSchedules(reach, filter, cursor === undefined ? null : decodeCursor(cursor))
    },

    async pause(principal, scheduleId) {
      const caller = parsePrincipal(principal)
      const id = parseInput(ScheduleId, scheduleId)
      const { owner } = await toChange(caller, 'update', id)
      const paused = await store.pauseSchedule(owner, id)
      if (paused === null) throw noSuchSchedule(id)
      logChange('paused', caller, paused)
      return paused
    },

    async resume(principal, scheduleId) {
      const caller = parsePrincipal(principal)
      const id = parseInput(ScheduleId, scheduleId)
      const schedule = await toChange(caller, 'update', id)
      const next = occurrencesOf(schedule, timetable)(clock.now())
      const nextAt = next === undefined ? null : new Date(next)
      const resumed = await store.resumeSchedule(schedule.owner, id, nextAt)
      if (resumed === null) throw noSuchSchedule(id)
      logChange('resumed', caller, resumed)
      return resumed
    },

    async runNow(principal, scheduleId) {
      const caller = parsePrincipal(principal)
      const schedule = await toChange(caller, 'update', parseInput(ScheduleId, scheduleId))
      const owner = isSameOwner(caller, schedule.owner) ? caller : schedule.owner
      const at = new Date(clock.now()).toISOString()
      const { run, created, alreadySaid } = await runs.create(owner, requestOf(schedule, at))
      logChange('run', caller, schedule)
      // The messages went to a run under way (policy `steer`), which has earlier ones too: read it.
      if (!created) return runs.get(owner, run.id)
      const messages = schedule.messages.slice(alreadySaid)
      return { ...run, messages, inputCount: messages.length, usage: null }
    },

    async delete(principal, scheduleId) {
      const caller = parsePrincipal(principal)
      const id = parseInput(ScheduleId, scheduleId)
      const { owner } = await toChange(caller, 'delete', id)
      if (!(await store.deleteSchedule(owner, id))) throw noSuchSchedule(id)
      logChange('deleted', caller, { id, owner })
    },
  }
}

function summaryOf({ id, owner, name, agentKey }: StoredSchedule): ScheduleSummary {
  return { id, owner, name, agentKey }
}

function noSuchSchedule(id: string): AgentRuntimeError {
  return new AgentRuntimeError('not_found', `There is no schedule ${id}.`)
}

function full(max: number): AgentRuntimeError {
  return new AgentRuntimeError(
    'rate_limited',
    `You have ${max} schedules, which is as many as you may have.`,
    {
      details: { schedulesPerPrincipal: max },
    },
  )
}
