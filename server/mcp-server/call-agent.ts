import type { CallToolResult, InputRequiredResult, ServerContext } from '@modelcontextprotocol/server'
import { inputRequired } from '@modelcontextprotocol/server'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Json } from '../contract/json.ts'
import type { Principal } from '../contract/principal.ts'
import type { RunDetail } from '../contract/run.ts'
import type { PendingWait, WaitKind } from '../contract/wait.ts'
import { isTerminal } from '../contract/terminal.ts'
import type { Runs } from '../domain/runs.ts'
import { answerQuestions } from './answer-questions.ts'
import { askedOf, isDeclined, questionsOf } from './questions.ts'
import { stateOf } from './request-state.ts'
import { newTask } from './tasks.ts'
import type { KeptMs } from './tasks.ts'
import { failed, toToolResult } from './tool-result.ts'

export interface AgentInput {
  message?: string
  params?: Json
}

interface AgentCall {
  principal: Principal
  agentKey: string
  input: AgentInput
  /** Whether the caller's protocol lets it be asked. */
  mayAsk: boolean
  /** Aborted once this server is closed, which ends calls too. Nobody has cancelled them then: their runs go on. */
  closing: AbortSignal
}

/** Creates a run and answers at once, with the task that it is. */
export async function startAgent(
  runs: Runs,
  { principal, keptMs, ...asked }: Omit<AgentCall, 'mayAsk' | 'closing'> & { keptMs: KeptMs },
  { mcpReq }: ServerContext,
): Promise<CallToolResult> {
  try {
    const run = await create(runs, principal, asked)
    // Whoever left before the answer never gets to know the run's id.
    if (mcpReq.signal.aborted) await runs.cancel(principal, run.id)
    return await newTask(run, keptMs)
  } catch (error) {
    if (!(error instanceof AgentRuntimeError)) throw error
    return failed(error.message)
  }
}

/** Creates a run, or goes on with the one that a caller was asked for, until it is over or waits. */
export async function callAgent(
  runs: Runs,
  { principal, mayAsk, closing, ...asked }: AgentCall,
  ctx: ServerContext,
): Promise<CallToolResult | InputRequiredResult> {
  const { signal } = ctx.mcpReq
  try {
    const knownId = ctx.mcpReq.requestState<string>()
    if (knownId === undefined) return await follow(await create(runs, principal, asked))
    const responses = ctx.mcpReq.inputResponses ?? {}
    const run = await runs.get(principal, knownId)
    if (run.agentKey !== asked.agentKey) return failed(`The run ${run.id} is none of ${asked.agentKey}.`)
    const isAnswered = await answerQuestions(runs, principal, { run, responses })
    // Nothing more happens to a run that waits, so there is nothing to follow.
    if (isAnswered || !asks(run)) return await follow(run)
    if (!isDeclined(run.waits, responses)) return resultOf(run, mayAsk)
    return failed(`The run ${run.id} still waits for an answer: the question was declined.`)
  } catch (error) {
    if (!(error instanceof AgentRuntimeError)) throw error
    return failed(error.message)
  }

  async function follow({ id: runId, lastSeq }: Pick<RunDetail, 'id' | 'lastSeq'>) {
    const cancel = () => {
      if (!closing.aborted) void runs.cancel(principal, runId).catch(() => {})
    }
    signal.addEventListener('abort', cancel)
    // The listener hears no abort that came while the run was created.
    if (signal.aborted) cancel()
    try {
      await untilQuiet(runs, { principal, runId, afterSeq: lastSeq }, ctx)
      return resultOf(await runs.get(principal, runId), mayAsk)
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }
}

const asks = ({ status, waits }: RunDetail) => status === 'waiting' && askedOf(waits).length > 0

/** Of the run itself, or of one that it waits for. */
function asksSomebody(type: string, payload: unknown): boolean {
  const { kind, waits } = Object(payload) as { kind?: WaitKind; waits?: PendingWait[] }
  if (type === 'child.waiting') return (waits ?? []).length > 0
  return type === 'run.waiting' && kind !== undefined && isAsked(kind)
}

const isAsked = (kind: WaitKind) => kind === 'input' || kind === 'approval'

async function create(
  runs: Runs,
  principal: Principal,
  { agentKey, input: { message, params } }: Pick<AgentCall, 'agentKey' | 'input'>,
) {
  const { run } = await runs.create(principal, {
    agentKey,
    messages: message === undefined ? [] : [{ role: 'user', content: message }],
    ...(params === undefined ? {} : { params }),
  })
  return run
}

/** Tells what the agent says meanwhile. */
async function untilQuiet(
  runs: Runs,
  { principal, runId, afterSeq }: { principal: Principal; runId: string; afterSeq: number },
  { mcpReq }: ServerContext,
): Promise<void> {
  const over = new AbortController()
  const { batches } = await runs.follow(principal, {
    runId,
    afterSeq,
    signal: AbortSignal.any([mcpReq.signal, over.signal]),
  })
  const progressToken = mcpReq._meta?.progressToken
  let progress = 0
  for await (const batch of batches) {
    for (const { type, payload } of batch) {
      if (asksSomebody(type, payload)) over.abort()
      if (type !== 'assistant.message' || progressToken === undefined) continue
      progress += 1
      const { content: message } = payload as { content: string }
      await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, message } })
    }
    if (over.signal.aborted) return
  }
}

function resultOf(run: RunDetail, mayAsk: boolean): CallToolResult | InputRequiredResult {
  if (isTerminal(run.status)) return toToolResult(run)
  if (mayAsk) return inputRequired({ inputRequests: questionsOf(run.waits), requestState: stateOf(run) })
  return failed(
    `The run ${run.id} waits for an answer, for which this client, or its version of MCP, can't be asked.`,
  )
}
