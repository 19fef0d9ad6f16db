import type { ListSchedulesRequest } from '../../../contract/schedule.ts'
import { ANSWER_HEADERS, answerJson } from '../../answer.ts'
import type { ApiServices } from '../../services.ts'
import type { AnswerList } from '../answer-list.ts'
import { ListSchedulesQuery } from '../queries.ts'
import { defineRoute, json } from '../route.ts'
import type { Route } from '../route.ts'
import { CREATE_SCHEDULE, RUN, SCHEDULE } from '../wire/examples.ts'
import { pageOf } from '../wire/page.ts'
import { RestRun, toRestRun } from '../wire/run.ts'
import { RestCreateSchedule, RestSchedule, fromRestCreateSchedule, toRestSchedule } from '../wire/schedule.ts'

const RestSchedulePage = pageOf('SchedulePage', RestSchedule)
const ANSWERED = { description: 'The schedule', content: json(RestSchedule, SCHEDULE) }

// oxlint-disable-next-line max-lines-per-function -- A list of routes.
export function scheduleRoutes(
  { schedules }: Pick<ApiServices, 'schedules'>,
  answerList: AnswerList,
): Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/schedules/',
      operationId: 'createSchedule',
      procedure: 'schedules.create',
      summary: 'Create a schedule, which creates a run at each of its times',
      description: 'By `cron` in a `time_zone`, or each `every_seconds`.',
      body: { schema: RestCreateSchedule, example: CREATE_SCHEDULE },
      answers: { 201: ANSWERED },
      refusals: ['unknown_agent', 'forbidden', 'rate_limited'],
      handle: async ({ principal, body }) =>
        answerJson(toRestSchedule(await schedules.create(principal, fromRestCreateSchedule(body))), 201),
    }),
    defineRoute({
      method: 'GET',
      path: '/schedules/',
      operationId: 'listSchedules',
      procedure: 'schedules.list',
      summary: 'List schedules, newest first',
      description: "Schedules in agents' code are not listed.",
      query: ListSchedulesQuery,
      answers: { 200: { description: 'A page of schedules', content: json(RestSchedulePage) } },
      refusals: ['forbidden'],
      async handle({ c, principal, query: { agent_key: agentKey, ...query } }) {
        const page = await schedules.list(principal, { ...query, agentKey } as ListSchedulesRequest)
        return answerList(c, page, { query: ListSchedulesQuery, toRest: toRestSchedule })
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/schedules/{id}/',
      operationId: 'getSchedule',
      procedure: 'schedules.get',
      summary: 'A schedule',
      answers: { 200: ANSWERED },
      refusals: ['not_found'],
      handle: async ({ principal, id }) => answerJson(toRestSchedule(await schedules.get(principal, id))),
    }),
    defineRoute({
      method: 'POST',
      path: '/schedules/{id}/pause/',
      operationId: 'pauseSchedule',
      procedure: 'schedules.pause',
      summary: 'Pause a schedule',
      description: 'The body is ignored.',
      answers: { 200: ANSWERED },
      refusals: ['forbidden', 'not_found'],
      handle: async ({ principal, id }) => answerJson(toRestSchedule(await schedules.pause(principal, id))),
    }),
    defineRoute({
      method: 'POST',
      path: '/schedules/{id}/resume/',
      operationId: 'resumeSchedule',
      procedure: 'schedules.resume',
      summary: 'Resume a schedule with its next occurrence',
      description: 'The body is ignored. Occurrences missed during the pause are not made up for.',
      answers: { 200: ANSWERED },
      refusals: ['forbidden', 'not_found'],
      handle: async ({ principal, id }) => answerJson(toRestSchedule(await schedules.resume(principal, id))),
    }),
    defineRoute({
      method: 'POST',
      path: '/schedules/{id}/run/',
      operationId: 'runSchedule',
      procedure: 'schedules.runNow',
      summary: 'Create a run of a schedule now',
      description: 'The body is ignored. Each request creates a run, also if the schedule is paused.',
      answers: { 201: { description: 'The run', content: json(RestRun, RUN) } },
      refusals: ['forbidden', 'not_found', 'conflict', 'rate_limited'],
      // A caller who may run a schedule may still not be allowed to read its runs.
      handle: async ({ principal, id }) => answerJson(toRestRun(await schedules.runNow(principal, id)), 201),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/schedules/{id}/',
      operationId: 'deleteSchedule',
      procedure: 'schedules.delete',
      summary: 'Delete a schedule',
      description: 'Its runs stay.',
      answers: { 204: { description: 'It is deleted' } },
      refusals: ['forbidden', 'not_found'],
      async handle({ principal, id }) {
        await schedules.delete(principal, id)
        return new Response(null, { status: 204, headers: ANSWER_HEADERS })
      },
    }),
  ]
}
