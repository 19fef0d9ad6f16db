import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Json } from '../contract/json.ts'
import type { Page } from '../contract/page.ts'
import { decodeCursor } from '../contract/page.ts'
import { parseInput } from '../contract/parse-input.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import { ListRunsInput, RespondInput, RunId } from '../contract/run.ts'
import type { CreateRunRequest, ListRunsRequest, RespondRequest, Run, RunDetail } from '../contract/run.ts'
import { assertStorable } from '../contract/storable-json.ts'
import { ApprovalAnswer } from '../contract/wait.ts'
import { ownerOf } from '../ports/owner.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import type { RunStore } from '../ports/store/run-store.ts'
import type { WaitStore } from '../ports/store/wait-store.ts'
import { checkAnswer } from './check-answer.ts'
import { createCreateRun } from './create-run.ts'
import type { CreateRunPorts, CreateRunSettings } from './create-run.ts'
import { giveTurn } from './give-turn.ts'
import { hintsOf } from './hints.ts'
import { logEnded } from './log-ended.ts'
import { noSuchRun } from './run-events.ts'
import type { RunEvents } from './run-events.ts'

interface RunPorts extends CreateRunPorts {
  store: RunStore & WaitStore & Pick<ConversationStore, 'giveTurns'>
}

/**
 * The use cases of runs. Every one parses who asks and what for, whether that came over a transport or from code on
 * the server, and treats what that one may not see as not there.
 */
export interface Runs extends RunEvents {
  /** `occurrence` is the key of a schedule's run, which nobody else can use. */
  create(
    principal: Principal,
    input: CreateRunRequest,
    options?: { occurrence: string },
  ): Promise<{ run: Run; created: boolean }>
  get(principal: Principal, runId: string): Promise<RunDetail>
  list(principal: Principal, input: ListRunsRequest): Promise<Page<Run>>
  cancel(principal: Principal, runId: string): Promise<Run>
  /** Answers what a run waits for; of two answers at once one is taken. */
  respond(principal: Principal, answer: RespondRequest): Promise<Run>
}

export function createRuns(ports: RunPorts, settings: CreateRunSettings, events: RunEvents): Runs {
  const { store, bus } = ports

  const createRun = createCreateRun(ports, settings)

  async function get(principal: Principal, runId: string): Promise<RunDetail> {
    const owner = parsePrincipal(principal)
    return (await store.getRun(owner, parseInput(RunId, runId))) ?? noSuchRun(runId)
  }

  /** What was answered is the run's alone; whether something was allowed is asked for afterwards. */
  function logAnswer(who: object, approval: Json | undefined): void {
    const decided = ApprovalAnswer.safeParse(approval)
    if (!decided.success) return ports.log.info(who, 'a wait was answered')
    ports.log.info({ ...who, approved: decided.data.approved }, 'an approval was decided')
  }

  return {
    ...events,

    create: createRun,

    get,

    async list(principal, request) {
      const owner = parsePrincipal(principal)
      const { cursor, ...filter } = parseInput(ListRunsInput, request)
      assertStorable(filter)
      return store.listRuns(owner, filter, cursor === undefined ? null : decodeCursor(cursor))
    },

    async cancel(principal, runId) {
      const owner = parsePrincipal(principal)
      const outcome = await store.requestCancel(owner, parseInput(RunId, runId))
      if (outcome.kind === 'requested' || outcome.kind === 'cancelled') {
        ports.log.info({ runId, by: ownerOf(owner) }, 'a run was cancelled')
      }
      switch (outcome.kind) {
        case 'not-found':
          return noSuchRun(runId)
        case 'already-ended':
          throw new AgentRuntimeError('conflict', `The run has already ended: it ${describe(outcome.run)}.`, {
            details: { status: outcome.run.status },
          })
        case 'requested':
          bus.publish([{ kind: 'cancel', runId }])
          return outcome.run
        case 'cancelled':
          logEnded([outcome.run], ports.log)
          bus.publish(hintsOf([outcome.run]))
          await giveTurn(ports, outcome.run.conversationId)
          void ports.letIn(owner)
          return outcome.run
      }
    },

    async respond(principal, answer) {
      const owner = parsePrincipal(principal)
      const { runId, wait, value } = parseInput(RespondInput, answer)
      assertStorable(value)
      const waits = (await store.readWaits(owner, runId)) ?? noSuchRun(runId)
      const pending = waits.find(({ name, kind }) => name === wait && kind !== 'sleep')
      if (pending !== undefined) checkAnswer(pending, value)
      const outcome = await store.respond(owner, { runId, wait, value })
      switch (outcome.kind) {
        case 'not-found':
          return noSuchRun(runId)
        case 'not-waiting':
          throw new AgentRuntimeError('not_found', `The run does not wait for "${wait}".`, {
            details: { waits: waits.map(({ name }) => name) },
          })
        case 'already-settled':
          throw new AgentRuntimeError(
            'conflict',
            `The wait for "${wait}" is over: it was answered, or its time is up.`,
          )
        case 'accepted':
          logAnswer({ by: ownerOf(owner), runId, wait }, pending?.kind === 'approval' ? value : undefined)
          bus.publish(hintsOf([outcome.run]))
          return outcome.run
      }
    },
  }
}

function describe(run: Run): string {
  return run.status === 'timed_out' ? 'timed out' : run.status === 'cancelled' ? 'was cancelled' : run.status
}
