import { withinCallScope } from '../../agent/call-scope.ts'
import type { AgentContext } from '../../agent/context.ts'
import type { Approval } from '../../agent/wait.ts'
import { withFileContents } from '../../agent/file-contents.ts'
import { journalOf } from '../../agent/journal.ts'
import type { Json } from '../../contract/json.ts'
import type { AgentMessage } from '../../contract/message.ts'
import { textOf } from '../../contract/text-of.ts'
import { toError } from '../../models/ai-sdk/failure.ts'
import { createTeller } from '../teller.ts'
import type { Teller } from '../teller.ts'
import { fromAISDK, toAISDK } from './messages.ts'
import type { AISDKMessage } from './messages.ts'
import { storingModel } from './storing-model.ts'
import type { StreamingModel } from './storing-model.ts'
import { storingTools } from './storing-tools.ts'

/** What is used of a run's context; every agent's `ctx` fits. */
export type AISDKContext = Pick<
  AgentContext,
  'messages' | 'signal' | 'emit' | 'step' | 'approve' | 'files' | 'llm'
>

export interface AISDKParts<TModel extends StreamingModel, TTools extends object> {
  /** The model itself, of a provider's package: a name alone is none. */
  model: TModel
  /** As the SDK takes them, by their names. Default: none. */
  tools?: TTools
}

/** What an agent of the SDK is made and called with. */
export interface AISDKCall<TModel, TTools> {
  model: TModel
  tools: TTools
  messages: AISDKMessage[]
  abortSignal: AbortSignal
}

/** What `streamText` and `ToolLoopAgent.stream` give. */
export interface AISDKStream {
  readonly fullStream: AsyncIterable<unknown>
  /** Of the SDK's major 7. */
  readonly responseMessages?: PromiseLike<readonly unknown[]>
  readonly response: PromiseLike<object>
}

export interface AISDKResult {
  /** What the assistant said last. */
  text: string
  /** Only what was added: what the assistant said, its calls of tools and their results. */
  messages: AgentMessage[]
}

/**
 * Runs an agent of the AI SDK: a `ToolLoopAgent`, or `streamText`. Its texts, thoughts and usage, its tools' calls and results become the
 * run's events. A tool that `needsApproval` waits for it as `ctx.approve` does.
 *
 * Make the agent in `start`, with the model and tools that it is given, and call it with the messages and the signal: each answer of that model
 * and each call of these tools is stored with the run. After a crash, a retry or a wait `start` is called again, no answer is asked for and no
 * tool run that was stored. So the model it is given is for the agent's own loop alone, which asks one answer after the other.
 *
 * @throws ModelError when the model fails, so far as that can be told from the error.
 * @throws `ctx.signal`'s reason when the run is stopped.
 * @example
 * const { text, messages } = await runAISDK(ctx, { model: openai('gpt-5.6-terra'), tools: { weather } }, ({ model, tools, ...call }) =>
 *   new ToolLoopAgent({ model, tools, instructions: 'Be brief.' }).stream(call),
 * )
 */
export async function runAISDK<TModel extends StreamingModel, TTools extends object = Record<never, never>>(
  ctx: AISDKContext,
  parts: AISDKParts<TModel, TTools>,
  start: (call: AISDKCall<TModel, TTools>) => AISDKStream | PromiseLike<AISDKStream>,
): Promise<AISDKResult> {
  if (typeof parts.model !== 'object')
    throw new TypeError('Give the model itself, of a provider of the AI SDK.')
  const teller = createTeller(ctx)
  const journal = journalOf(ctx, 'ai-sdk')
  const stored = new Map((await journal.read()).map(({ place, value }) => [place, value]))
  /** By text, in the order in which it was said: the same may be said again. */
  const ids = new Map<string, string[]>()
  const onText = (messageId: string, text: string) =>
    void ids.set(text, [...(ids.get(text) ?? []), messageId])
  const model = storingModel(parts.model, { journal, stored, teller, onText })
  const tools = storingTools(parts.tools ?? ({} as TTools), { ctx, teller })
  const messages = toAISDK(await withFileContents(ctx.messages, ctx.files))
  // Others may run at its side. It has an order of its own, in which each attempt goes through it from its beginning.
  const added = await withinCallScope(journal.name, () =>
    runToEnd({ ctx, teller }, messages, (call) => start({ ...call, model, tools })),
  )
  const said = fromAISDK(added, (text) => ids.get(text)?.shift())
  return {
    text: textOf(said.findLast(({ role, content }) => role === 'assistant' && content !== null)),
    messages: said,
  }
}

interface AISDKRun {
  ctx: AISDKContext
  teller: Teller
}

type Begin = (
  call: Pick<AISDKCall<unknown, unknown>, 'messages' | 'abortSignal'>,
) => AISDKStream | PromiseLike<AISDKStream>

/** @returns what was added. */
async function runToEnd(run: AISDKRun, messages: readonly AISDKMessage[], begin: Begin): Promise<unknown[]> {
  const { ctx } = run
  const added: unknown[] = []
  for (;;) {
    const call = { messages: [...messages, ...(added as AISDKMessage[])], abortSignal: ctx.signal }
    const asked = await readToEnd(run, () => begin(call), added)
    if (asked.length === 0) return added
    added.push({ role: 'tool', content: await answerApprovals(run, asked) })
  }
}

interface ResultPart {
  type?: unknown
  toolCallId?: unknown
  toolName?: unknown
  output?: unknown
  error?: unknown
  preliminary?: unknown
}

/** Of calls whose input is wrong, whose tool nobody has, or which the provider made. The others are told when they are stored. */
async function tellResult(teller: Teller, part: ResultPart): Promise<void> {
  const { type, error, preliminary } = part
  const call = { toolCallId: String(part.toolCallId), tool: String(part.toolName) }
  if (type === 'tool-result' && preliminary !== true) await teller.result({ ...call, result: part.output })
  if (type === 'tool-error') {
    await teller.result({ ...call, result: error instanceof Error ? String(error) : error, isError: true })
  }
}

interface Asked {
  approvalId: string
  toolCall: { toolCallId: string; toolName: string; input: Json | null }
}

/** @returns what is to be approved. */
async function readToEnd(
  { ctx, teller }: AISDKRun,
  start: () => AISDKStream | PromiseLike<AISDKStream>,
  added: unknown[],
): Promise<Asked[]> {
  const asked: Asked[] = []
  try {
    const result = await start()
    for await (const part of result.fullStream) {
      const { type, error, isAutomatic } = Object(part) as Record<string, unknown>
      if (type === 'error') throw error
      // What a tool makes of being stopped is no result.
      ctx.signal.throwIfAborted()
      await tellResult(teller, Object(part) as ResultPart)
      if (type === 'tool-approval-request' && isAutomatic !== true) asked.push(part as Asked)
    }
    ctx.signal.throwIfAborted()
    const { messages = [] } = (await result.response) as { messages?: readonly unknown[] }
    added.push(...((await result.responseMessages) ?? messages))
    return asked
  } catch (error) {
    ctx.signal.throwIfAborted()
    throw toRunFailure(error)
  }
}

/** Asks for all at once, for which the attempt may end. */
async function answerApprovals({ ctx, teller }: AISDKRun, asked: readonly Asked[]) {
  const approvals = await Promise.all(
    asked.map(({ toolCall: { toolCallId, toolName: name, input } }) =>
      ctx.approve({ name, arguments: input ?? {}, toolCallId }),
    ),
  )
  for (const [index, { toolCall }] of asked.entries()) {
    const approval = approvals[index] as Approval
    if (approval.approved) continue
    const { toolCallId, toolName: tool } = toolCall
    await teller.result({ toolCallId, tool, result: refusalOf(approval), isError: true })
  }
  return asked.map(({ approvalId }, index) => {
    const approval = approvals[index] as Approval
    const reason = approval.approved ? {} : { reason: refusalOf(approval) }
    return { type: 'tool-approval-response' as const, approvalId, approved: approval.approved, ...reason }
  })
}

function refusalOf(approval: Exclude<Approval, { approved: true }>): string {
  const why = approval.reason === 'denied' ? 'was denied' : 'was not approved in time'
  return `The call ${why}.${approval.comment === null ? '' : ` ${approval.comment}`}`
}

/** The SDK tries again by itself and tells then of the last failure. */
function toRunFailure(error: unknown): unknown {
  const { lastError = error } = Object(error) as { lastError?: unknown }
  const { name } = Object(lastError) as { name?: unknown }
  return typeof name === 'string' && name.startsWith('AI_')
    ? toError("The model's provider", lastError)
    : lastError
}
