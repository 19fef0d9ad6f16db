import type { Context } from 'hono'
import { z } from 'zod'
import { AgentRuntimeError } from '../../../contract/agent-runtime-error.ts'
import { parseInput } from '../../../contract/parse-input.ts'
import type { Message } from '../../../contract/message.ts'
import type { Principal } from '../../../contract/principal.ts'
import { ANSWER_HEADERS, answerJson } from '../../answer.ts'
import { receiveForm } from '../../files/transfer.ts'
import type { TransferSettings } from '../../files/transfer.ts'
import type { ApiServices } from '../../services.ts'
import type { AnswerList } from '../answer-list.ts'
import { bodyOf } from '../create-with-files.ts'
import { toRestErrorBody } from '../error-body.ts'
import { renamed } from '../read-request.ts'
import { ListRunsQuery, RunQuery, fromListRunsQuery } from '../queries.ts'
import { defineRoute, json } from '../route.ts'
import type { RestEnv, Route } from '../route.ts'
import { CANCELLED, CREATE_RUN, INSPECTION, RUN, RUN_DETAIL, SENT } from '../wire/examples.ts'
import { RestInspection, toRestInspection } from '../wire/inspection.ts'
import { pageOf } from '../wire/page.ts'
import {
  RestCancelled,
  RestRespond,
  RestRun,
  RestRunDetail,
  RestSteeredRun,
  toRestRun,
  toRestRunDetail,
} from '../wire/run.ts'
import { RestCreateRun, fromRestCreateRun } from '../wire/create-run.ts'
import { RestSend, RestSentMessage, fromRestSend } from '../wire/sent-message.ts'
import { RestTicket, RestTicketRequest } from '../wire/ticket.ts'

const RestRunPage = pageOf('RunPage', RestRun)

/** The most events in a run's detail; their bytes are bounded too. */
const MOST_EVENTS = 1_000

// oxlint-disable-next-line max-lines-per-function -- A list of routes.
export function runRoutes(
  { runs, files }: Pick<ApiServices, 'runs' | 'files'>,
  { answerList, settings }: { answerList: AnswerList; settings: TransferSettings },
): Route[] {
  async function create(principal: Principal, body: z.output<typeof RestCreateRun>) {
    const input = fromRestCreateRun(body)
    const { run, created, alreadySaid, sentMessageIds } = await runs.create(principal, input)
    if (!created) {
      const answer = toRestRun(await runs.get(principal, run.id))
      const told = sentMessageIds.length === 0 ? {} : { sent_message_ids: sentMessageIds }
      return { answer: { ...answer, ...told } satisfies z.infer<typeof RestSteeredRun>, created }
    }
    const sent: readonly Message[] = input.messages
    const messages = sent.slice(alreadySaid)
    return { answer: toRestRun({ ...run, messages, inputCount: messages.length, usage: null }), created }
  }

  async function createWithFiles(c: Context<RestEnv>): Promise<Response> {
    const principal = c.get('principal')
    const { fields, files: stored } = await receiveForm(c, principal, { files, settings })
    try {
      const body = parseInput(RestCreateRun, renamed(bodyOf(fields, stored)))
      const { answer, created } = await create(principal, body)
      // A repeated request uses the files of the first one.
      if (!created) await files.discard(stored)
      return answerJson(answer, created ? 201 : 200)
    } catch (error) {
      await files.discard(stored)
      throw error
    }
  }

  return [
    defineRoute({
      method: 'POST',
      path: '/runs/',
      operationId: 'createRun',
      procedure: 'runs.create',
      summary: 'Create a run',
      body: { schema: RestCreateRun, example: CREATE_RUN },
      answers: {
        201: { description: 'The run', content: json(RestRun, RUN) },
        200: {
          description:
            'The run that this `idempotency_key` created before, or the run under way that was sent the messages (`conversation_policy` `steer`)',
          content: json(RestSteeredRun, RUN),
        },
      },
      refusals: ['unknown_agent', 'forbidden', 'not_found', 'conflict', 'rate_limited'],
      form: {
        description:
          'The fields of the JSON body, and one part for each file. Fields that are not text are JSON. The files become parts of the newest user message.',
        answer: createWithFiles,
      },
      async handle({ principal, body }) {
        const { answer, created } = await create(principal, body)
        return answerJson(answer, created ? 201 : 200)
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/runs/',
      operationId: 'listRuns',
      procedure: 'runs.list',
      summary: 'List runs, newest first',
      query: ListRunsQuery,
      answers: { 200: { description: 'A page of runs', content: json(RestRunPage) } },
      refusals: ['forbidden'],
      async handle({ c, principal, query }) {
        const page = await runs.listSpoken(principal, fromListRunsQuery(query))
        return answerList(c, page, { query: ListRunsQuery, toRest: toRestRun })
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/runs/{id}/',
      operationId: 'getRun',
      procedure: 'runs.get',
      summary: 'A run, its open waits, and its events',
      query: RunQuery,
      answers: { 200: { description: 'The run', content: json(RestRunDetail, RUN_DETAIL) } },
      refusals: ['forbidden', 'not_found'],
      async handle({ principal, id, query }) {
        const run = await runs.get(principal, id)
        const page = query.include_events
          ? await runs.listEvents(principal, {
              runId: run.id,
              filter: { includeDebug: query.include_debug, includeAll: query.include_all },
              limit: MOST_EVENTS,
            })
          : { events: [], hasMore: run.lastSeq > 0 }
        return answerJson(toRestRunDetail(run, page))
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/runs/{id}/inspection/',
      operationId: 'inspectRun',
      procedure: 'runs.inspect',
      summary: 'How a run was executed so far: its steps, waits, worker and checkpoint',
      answers: { 200: { description: 'The inspection', content: json(RestInspection, INSPECTION) } },
      refusals: ['forbidden', 'not_found'],
      handle: async ({ principal, id }) => answerJson(toRestInspection(await runs.inspect(principal, id))),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/runs/{id}/',
      operationId: 'deleteRun',
      procedure: 'runs.delete',
      summary: 'Delete a run that is over, with its events and messages',
      answers: { 204: { description: 'It is deleted' } },
      refusals: ['forbidden', 'not_found', 'conflict'],
      async handle({ principal, id }) {
        await runs.delete(principal, id)
        return new Response(null, { status: 204, headers: ANSWER_HEADERS })
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/runs/{id}/cancel/',
      operationId: 'cancelRun',
      procedure: 'runs.cancel',
      summary: 'Cancel a run',
      description:
        'A running agent gets a signal. The body is ignored. If the run is over, the answer is 400 with the code `conflict`.',
      answers: {
        200: { description: 'It is cancelled, or will be', content: json(RestCancelled, CANCELLED) },
      },
      refusals: ['bad_request', 'forbidden', 'not_found'],
      async handle({ principal, id }) {
        try {
          await runs.cancel(principal, id)
        } catch (error) {
          if (!(error instanceof AgentRuntimeError && error.code === 'conflict')) throw error
          // The Python system answers this way, and clients of REST are written for it.
          return answerJson(toRestErrorBody(error), 400)
        }
        const run = toRestRun(await runs.get(principal, id))
        return answerJson({ status: 'cancellation_requested', run } satisfies z.infer<typeof RestCancelled>)
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/runs/{id}/respond/',
      operationId: 'respondToRun',
      procedure: 'runs.respond',
      summary: 'Answer a wait of a run',
      body: { schema: RestRespond, example: { wait: 'address', value: { street: 'Rua Augusta 1' } } },
      answers: { 200: { description: 'The run', content: json(RestRun, RUN) } },
      refusals: ['forbidden', 'not_found', 'conflict'],
      async handle({ principal, id, body }) {
        await runs.respond(principal, { runId: id, ...body })
        return answerJson(toRestRun(await runs.get(principal, id)))
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/runs/{id}/messages/',
      operationId: 'sendMessage',
      procedure: 'runs.send',
      summary: 'Send a message to a run under way',
      description:
        'The agent reads the message before it asks its model again; otherwise the next run of the conversation does. The answer is 409 if the run is over, has no conversation, or was sent the most that is allowed.',
      body: { schema: RestSend, example: { message: 'In Celsius, please.' } },
      answers: { 201: { description: 'It has the message', content: json(RestSentMessage, SENT) } },
      refusals: ['forbidden', 'not_found', 'conflict', 'payload_too_large', 'rate_limited'],
      async handle({ principal, id, body }) {
        const { messageId } = await runs.send(principal, fromRestSend(id, body))
        const run = toRestRun(await runs.get(principal, id))
        return answerJson({ message_id: messageId, run } satisfies z.infer<typeof RestSentMessage>, 201)
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/runs/{id}/ticket/',
      operationId: 'createTicket',
      procedure: 'runs.ticket',
      summary: 'A ticket for a stream of the run',
      description: 'It goes into the URL of a stream, as `?ticket=`, for a minute.',
      body: { schema: RestTicketRequest, isOptional: true },
      answers: { 200: { description: 'The ticket', content: json(RestTicket) } },
      refusals: ['forbidden', 'not_found'],
      async handle({ principal, id, body }) {
        const { ticket, expiresAt } = await runs.ticket(principal, {
          runId: id,
          includeDebug: body.include_debug,
          includeAll: body.include_all,
        })
        return answerJson({ ticket, expires_at: expiresAt })
      },
    }),
  ]
}
