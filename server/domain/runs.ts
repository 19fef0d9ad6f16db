import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { RunInspection } from '../contract/inspection.ts'
import type { Json } from '../contract/json.ts'
import type { Page } from '../contract/page.ts'
import { decodeCursor } from '../contract/page.ts'
import { parseInput } from '../contract/parse-input.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Owner, Principal } from '../contract/principal.ts'
import { ListRunsInput, RespondInput, RunId } from '../contract/run.ts'
import type { CreateRunRequest } from '../contract/create-run.ts'
import type { ListRunsRequest, RespondRequest, Run, RunDetail, SpokenRun } from '../contract/run.ts'
import { assertStorable } from '../contract/storable-json.ts'
import { ApprovalAnswer } from '../contract/wait.ts'
import { isSameOwner, ownerOf } from '../ports/owner.ts'
import type { Reach } from '../ports/owner.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import type { DeletionStore } from '../ports/store/deletion-store.ts'
import type { RunStore } from '../ports/store/run-store.ts'
import type { SentStore } from '../ports/store/sent-store.ts'
import type { WaitStore } from '../ports/store/wait-store.ts'
import type { Access } from './access.ts'
import { checkAnswer } from './check-answer.ts'
import { createCreateRun } from './create-run.ts'
import type { CreateRunPorts, CreateRunSettings, NewlyCreated } from './create-run.ts'
import type { Occurrence } from './requested-run.ts'
import { giveTurn } from './give-turn.ts'
import { hintsOf } from './hints.ts'
import { logEnded } from './log-ended.ts'
import { occurrenceOf, overError, waitBelowOf, waitOf } from './meant-wait.ts'
import { noSuchRun } from './run-events.ts'
import type { RunEvents } from './run-events.ts'
import { createSend } from './send.ts'
import type { Send } from './send.ts'
import type { TellFamilies } from './tell-families.ts'
import type { RunTickets } from './tickets.ts'

interface RunPorts extends CreateRunPorts {
  access: Access
  store: CreateRunPorts['store'] &
    RunStore &
    WaitStore &
    SentStore &
    Pick<ConversationStore, 'giveTurns'> &
    Pick<DeletionStore, 'deleteRun'>
  tidyFiles(): Promise<void>
  tellFamilies: TellFamilies
}

/**
 * The use cases of runs. Each parses the caller and the input, whether they come over a transport or from code on the
 * server. A run that the caller may not see is treated as if it did not exist.
 */
export interface Runs extends RunEvents, RunTickets {
  create(principal: Principal, input: CreateRunRequest, options?: Occurrence): Promise<NewlyCreated>
  get(principal: Principal, runId: string): Promise<RunDetail>
  /** How a run was executed so far: its steps, waits, worker and checkpoint. For debugging. */
  inspect(principal: Principal, runId: string): Promise<RunInspection>
  list(principal: Principal, input: ListRunsRequest): Promise<Page<Run>>
  /** As `list`, with the runs' messages. */
  listSpoken(principal: Principal, input: ListRunsRequest): Promise<Page<SpokenRun>>
  cancel(principal: Principal, runId: string): Promise<Run>
  /** Deletes a run that is over, with all its data. */
  delete(principal: Principal, runId: string): Promise<void>
  /** Answers a wait of a run. Of two answers at the same time, one is accepted. */
  respond(principal: Principal, answer: RespondRequest): Promise<Run>
  /**
   * Sends a message to a run under way. Its agent reads it at its next boundary; otherwise the conversation's next run
   * gets it.
   */
  send: Send
}

// oxlint-disable-next-line max-lines-per-function -- A list of use cases, closures over the same ports.
export function createRuns(
  ports: RunPorts,
  settings: CreateRunSettings,
  events: RunEvents & RunTickets,
): Runs {
  const { store, bus, access } = ports

  const createRun = createCreateRun(ports, settings)

  async function get(principal: Principal, runId: string): Promise<RunDetail> {
    const caller = parsePrincipal(principal)
    const id = parseInput(RunId, runId)
    return (await store.getRun(await reach(caller, id), id)) ?? noSuchRun(id)
  }

  async function reach(caller: Principal, runId: string): Promise<Reach> {
    return (await access.reach(caller, 'run')) ?? noSuchRun(runId)
  }

  /**
   * Checks that the caller may do this, and returns the run's owner. The write names that owner, so it does nothing if
   * the run gets another owner meanwhile.
   */
  async function ownerToChangeFor(
    caller: Principal,
    action: 'cancel' | 'delete' | 'send',
    runId: string,
  ): Promise<Owner> {
    if (!access.isAsked) return caller
    const { run } = (await store.getProgress(await reach(caller, runId), runId)) ?? noSuchRun(runId)
    if (action !== 'delete') await access.assertMay(caller, action, { run })
    else await access.assertMay(caller, 'delete', { kind: 'run', run })
    return run.owner
  }

  async function toListing(
    principal: Principal,
    request: ListRunsRequest,
  ): Promise<Parameters<RunStore['listRuns']>> {
    const caller = parsePrincipal(principal)
    const { cursor, scope, ...filter } = parseInput(ListRunsInput, request)
    assertStorable(filter)
    const reached = await access.reachWithin(caller, 'run', scope)
    return [reached, filter, cursor === undefined ? null : decodeCursor(cursor)]
  }

  /** For the log: the caller, and the owner if different. */
  function partiesOf(caller: Principal, { owner }: Run) {
    return { by: ownerOf(caller), ...(isSameOwner(caller, owner) ? {} : { owner }) }
  }

  /** Logs who answered, without the answer. An approval's decision is logged, for audits. */
  function logAnswer(who: object, approval: Json | undefined): void {
    const decided = ApprovalAnswer.safeParse(approval)
    if (!decided.success) return ports.log.info(who, 'a wait was answered')
    ports.log.info({ ...who, approved: decided.data.approved }, 'an approval was decided')
  }

  return {
    ...events,

    create: createRun,

    get,

    async inspect(principal, id) {
      const caller = parsePrincipal(principal)
      const runId = parseInput(RunId, id)
      const inspection = (await store.inspectRun(await reach(caller, runId), runId)) ?? noSuchRun(runId)
      await access.assertMay(caller, 'inspect', { run: inspection.run })
      return inspection
    },

    list: async (principal, request) => store.listRuns(...(await toListing(principal, request))),

    listSpoken: async (principal, request) => store.listSpokenRuns(...(await toListing(principal, request))),

    async cancel(principal, id) {
      const caller = parsePrincipal(principal)
      const runId = parseInput(RunId, id)
      const outcome = await store.requestCancel(await ownerToChangeFor(caller, 'cancel', runId), runId)
      if (outcome.kind === 'requested' || outcome.kind === 'cancelled') {
        ports.log.info({ runId, ...partiesOf(caller, outcome.run) }, 'a run was cancelled')
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
          if (outcome.hasFamily) await ports.tellFamilies([runId])
          await giveTurn(ports, outcome.run.conversationId)
          void ports.letIn(outcome.run.owner)
          return outcome.run
      }
    },

    async delete(principal, id) {
      const caller = parsePrincipal(principal)
      const runId = parseInput(RunId, id)
      const owner = await ownerToChangeFor(caller, 'delete', runId)
      switch (await store.deleteRun(owner, runId)) {
        case 'not-found':
          return noSuchRun(runId)
        case 'under-way':
          throw new AgentRuntimeError('conflict', 'The run is under way: cancel it first.')
        case 'deleted':
          ports.log.info({ runId, by: ownerOf(caller), owner: ownerOf(owner) }, 'a run was deleted')
          await ports.tidyFiles()
      }
    },

    send: createSend(ports, (caller, runId) => ownerToChangeFor(caller, 'send', runId)),

    async respond(principal, answer) {
      const caller = parsePrincipal(principal)
      const { runId: askedId, wait, occurrence, value } = parseInput(RespondInput, answer)
      assertStorable(value)
      const reached = await reach(caller, askedId)
      const { waits, ...asked } = (await store.readWaits(reached, askedId)) ?? noSuchRun(askedId)
      const asking = { name: wait, occurrence }
      const own = waitOf(waits, asking)
      // Streams of the runs above also show this wait, so it can be answered there too.
      const below =
        own === undefined ? waitBelowOf(await store.findWaitsBelow(reached, askedId, asking), wait) : null
      const { run, pending } =
        below === null ? { ...asked, pending: own } : { run: below.run, pending: below.wait }
      const runId = run.id
      if (pending !== undefined) {
        await access.assertMay(caller, 'respond', { run, wait: { name: pending.name, kind: pending.kind } })
        checkAnswer(pending, value)
      }
      // The answer names the owner and the wait that were checked, so it cannot reach another wait.
      const which = pending === undefined ? occurrence : occurrenceOf(pending)
      const answered = { runId, wait, occurrence: which, asked: pending ?? null, value, by: caller.id }
      const outcome = await store.respond(run.owner, answered)
      switch (outcome.kind) {
        case 'not-found':
          return noSuchRun(runId)
        case 'not-waiting':
          throw new AgentRuntimeError('not_found', `The run does not wait for "${wait}".`, {
            details: { waits: waits.map(({ name }) => name) },
          })
        case 'asked-otherwise':
          throw new AgentRuntimeError(
            'conflict',
            `The wait "${wait}" now asks for something else: read it again.`,
            { details: { reason: 'changed' } },
          )
        case 'already-settled':
          throw overError(wait)
        case 'accepted':
          logAnswer(
            { ...partiesOf(caller, outcome.run), runId, wait },
            pending?.kind === 'approval' ? value : undefined,
          )
          bus.publish(hintsOf([outcome.run]))
          return outcome.run
      }
    },
  }
}

function describe(run: Run): string {
  return run.status === 'timed_out' ? 'timed out' : run.status === 'cancelled' ? 'was cancelled' : run.status
}
