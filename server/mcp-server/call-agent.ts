import type { CallToolResult, InputRequiredResult, ServerContext } from '@modelcontextprotocol/server'
import { inputRequired } from '@modelcontextprotocol/server'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { isPlainObject } from '../contract/json.ts'
import type { Json } from '../contract/json.ts'
import { lastAssistantMessage } from '../contract/last-assistant-message.ts'
import type { Principal } from '../contract/principal.ts'
import { RunId } from '../contract/run.ts'
import type { RunDetail } from '../contract/run.ts'
import type { PendingWait, WaitKind } from '../contract/wait.ts'
import { isTerminal } from '../contract/terminal.ts'
import { textOf } from '../contract/text-of.ts'
import type { Runs } from '../domain/runs.ts'
import { answersOf, isDeclined, questionsOf } from './questions.ts'

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
}

/** Creates a run, or goes on with the one that a caller was asked for, until it is over or waits. */
export async function callAgent(
  runs: Runs,
  { principal, mayAsk, ...asked }: AgentCall,
  ctx: ServerContext,
): Promise<CallToolResult | InputRequiredResult> {
  const { signal } = ctx.mcpReq
  try {
    // The state goes through the caller's hands: it names a run, which is read as the caller's.
    const known = RunId.safeParse(ctx.mcpReq.requestState())
    if (!known.success) return await follow(await create(runs, principal, asked))
    const responses = ctx.mcpReq.inputResponses ?? {}
    const run = await runs.get(principal, known.data)
    const isAnswered = await answer(runs, principal, { run, responses })
    // Nothing more happens to a run that waits, so there is nothing to follow.
    if (isAnswered || !asks(run)) return await follow(run)
    if (!isDeclined(run.waits, responses)) return resultOf(run, mayAsk)
    return failed(`The run ${run.id} still waits for an answer: the question was declined.`)
  } catch (error) {
    if (!(error instanceof AgentRuntimeError)) throw error
    return failed(error.message)
  }

  async function follow({ id: runId, lastSeq }: Pick<RunDetail, 'id' | 'lastSeq'>) {
    const cancel = () => void runs.cancel(principal, runId).catch(() => {})
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

const asks = ({ status, waits }: RunDetail) => status === 'waiting' && waits.some(({ kind }) => isAsked(kind))

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

/** @returns whether the run goes on with an answer. */
async function answer(
  runs: Runs,
  principal: Principal,
  { run, responses }: { run: RunDetail; responses: Record<string, unknown> },
): Promise<boolean> {
  const answers = answersOf(run.waits, responses)
  for (const { runId = run.id, wait, value } of answers) {
    // Of somebody who was faster the run has its answer.
    await runs.respond(principal, { runId, wait, value }).catch((error: unknown) => {
      if (!(error instanceof AgentRuntimeError && error.code === 'conflict')) throw error
    })
  }
  return answers.length > 0
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
  const { status, output, error, messages, inputCount } = run
  if (!isTerminal(status) && !mayAsk) {
    return failed(
      `The run ${run.id} waits for an answer, for which this client's version of MCP can't be asked.`,
    )
  }
  if (!isTerminal(status))
    return inputRequired({ inputRequests: questionsOf(run.waits), requestState: run.id })
  if (status !== 'succeeded') return failed(error?.message ?? `The run was ${status}.`)
  const said = lastAssistantMessage(messages.slice(inputCount))
  const text = said === undefined ? JSON.stringify(output) : textOf(said)
  return {
    content: [{ type: 'text', text }],
    ...(isPlainObject(output) ? { structuredContent: output } : {}),
  }
}

const failed = (text: string): CallToolResult => ({ isError: true, content: [{ type: 'text', text }] })
