import { BaseCallbackHandler } from '@langchain/core/callbacks/base'
import type { HandleLLMNewTokenCallbackFields } from '@langchain/core/callbacks/base'
import { AIMessageChunk, isToolMessage } from '@langchain/core/messages'
import type { AIMessage, BaseMessage } from '@langchain/core/messages'
import type { LLMResult } from '@langchain/core/outputs'
import type { PendingWrite } from '@langchain/langgraph-checkpoint'
import { WRITES_IDX_MAP } from '@langchain/langgraph-checkpoint'
import { createToolCallId } from '../../agent/tool-call-id.ts'
import { noTracer } from '../../ports/no-tracer.ts'
import type { OperationOutcome, Span, Tracer } from '../../ports/tracer.ts'
import type { Teller } from '../teller.ts'
import { callsOf, isAIMessage, isMessage, messagesIn, modelOf, parseInput, usageOf } from './messages.ts'
import type { WriteListener } from './saver.ts'
import type { TaskScopes } from './task-scopes.ts'

/** Begins the tag of what is a task's own, and of nothing within it. */
const TASK_TAG = 'graph:step:'
const SILENT_TAGS = new Set(['nostream', 'langsmith:nostream'])

interface Speaking {
  messageId: string | undefined
  isSilent: boolean
  /** The tasks that it belongs to, the graph's first. */
  tasks: string[]
  model: { provider: string; name: string }
  span: Span
}

/**
 * Hears of models and tools by LangChain's callbacks, which come in time: a task has told what it said before its writes are stored. What a
 * task wrote is told when that is stored, so that a task that is done again does not tell it twice.
 */
export class Narrator extends BaseCallbackHandler implements WriteListener {
  override readonly name = 'trpc-agent-runtime'
  override readonly awaitHandlers = true
  override readonly raiseError = true
  readonly lc_prefer_streaming = true
  readonly scopes: TaskScopes
  readonly #teller: Teller
  readonly #tracer: Tracer
  readonly #speaking = new Map<string, Speaking>()
  readonly #calls = new Map<string, { toolCallId: string; tool: string }>()
  /** What models said for tasks that are not done. */
  readonly #said: { messageId: string; tasks: readonly string[] }[] = []

  constructor(teller: Teller, scopes: TaskScopes, tracer: Tracer = noTracer) {
    super()
    this.#teller = teller
    this.#tracer = tracer
    this.scopes = scopes
  }

  override handleChainStart(
    ...given: Parameters<NonNullable<BaseCallbackHandler['handleChainStart']>>
  ): void {
    const [, , , , tags = [], metadata = {}] = given
    if (tags.some((tag) => tag.startsWith(TASK_TAG))) this.scopes.begin(metadata)
  }

  override handleChatModelStart(
    ...given: Parameters<NonNullable<BaseCallbackHandler['handleChatModelStart']>>
  ): void {
    const [, , runId, , , tags = [], metadata = {}] = given
    this.#teller.assertMayAsk()
    const model = { provider: textIn(metadata['ls_provider']), name: textIn(metadata['ls_model_name']) }
    this.#speaking.set(runId, {
      messageId: undefined,
      isSilent: tags.some((tag) => SILENT_TAGS.has(tag)),
      tasks: tasksOf(metadata['langgraph_checkpoint_ns'] ?? metadata['checkpoint_ns']),
      model,
      // What it is sent has LangChain's form, and is not told.
      span: this.#tracer.begin({
        kind: 'model',
        provider: model.provider,
        model: model.name,
        request: { messages: [] },
      }),
    })
  }

  override async handleLLMNewToken(
    token: string,
    ...rest: [unknown, string, string?, string[]?, HandleLLMNewTokenCallbackFields?]
  ): Promise<void> {
    const [, runId, , , fields] = rest
    const speaking = this.#speaking.get(runId)
    speaking?.span.answering()
    if (speaking === undefined || speaking.isSilent) return
    const chunk = fields?.chunk !== undefined && 'message' in fields.chunk ? fields.chunk.message : undefined
    const messageId = this.#name(runId, speaking, chunk)
    for (const { type, text } of chunk === undefined ? [{ type: 'text', text: token }] : piecesOf(chunk)) {
      await this.#teller[type === 'text' ? 'text' : 'reasoning'](messageId, text)
    }
  }

  override async handleLLMEnd(output: LLMResult, runId: string): Promise<void> {
    const speaking = this.#speaking.get(runId)
    this.#speaking.delete(runId)
    const [generation] = output.generations[0] ?? []
    if (speaking === undefined) return
    const message = generation !== undefined && 'message' in generation ? generation.message : undefined
    if (!isMessage(message) || !isAIMessage(message)) return speaking.span.end()
    speaking.span.end(outcomeOf(message, speaking.model))
    const messageId = this.#name(runId, speaking, message)
    if (!speaking.isSilent) await this.#teller.message(messageId, message.text)
    const usage = usageOf(message)
    if (usage !== undefined) await this.#teller.usage(messageId, modelOf(message, speaking.model), usage)
  }

  override handleLLMError(error: unknown, runId: string): void {
    this.#speaking.get(runId)?.span.end({ error })
    this.#speaking.delete(runId)
  }

  override async handleToolStart(
    ...given: Parameters<NonNullable<BaseCallbackHandler['handleToolStart']>>
  ): Promise<void> {
    const [, input, runId, , , , runName, id] = given
    const call = { toolCallId: id ?? createToolCallId(), tool: runName ?? 'tool' }
    this.#calls.set(runId, call)
    this.scopes.beginTool(runId, call.toolCallId)
    await this.#teller.call({ id: call.toolCallId, name: call.tool, arguments: parseInput(input) })
  }

  override async handleToolEnd(output: unknown, runId: string): Promise<void> {
    const call = this.#calls.get(runId)
    this.#calls.delete(runId)
    this.scopes.endTool(runId)
    if (call === undefined) return
    // A tool that answers with a command has its result among what the command writes.
    if (isMessage(output) && isToolMessage(output)) {
      await this.#teller.result({ ...call, result: output.text, isError: output.status === 'error' })
    } else if (typeof output === 'string') await this.#teller.result({ ...call, result: output })
  }

  override handleToolError(_error: unknown, runId: string): void {
    // What the model is told of it is a message that its task writes.
    this.#calls.delete(runId)
    this.scopes.endTool(runId)
  }

  onWrites(taskId: string, writes: PendingWrite[]): string[] {
    // A task that failed or waits has written nothing that stays.
    if (writes.some(([channel]) => Object.hasOwn(WRITES_IDX_MAP, channel))) return []
    const written = writes.flatMap(([, value]) => messagesIn(value))
    // LangGraph names them when it applies the writes. Those that are applied again after a crash need the same name.
    for (const message of written) if (message.id === undefined) rename(message, crypto.randomUUID())
    const said = this.#said.filter(({ tasks }) => tasks.includes(taskId)).map(({ messageId }) => messageId)
    return [...new Set([...said, ...written.filter(isAIMessage).flatMap(({ id }) => id ?? [])])]
  }

  async onStored(writes: readonly PendingWrite[]): Promise<void> {
    for (const [, value] of writes) for (const message of messagesIn(value)) await this.#tell(message)
  }

  async #tell(message: BaseMessage): Promise<void> {
    const { id } = message
    if (id !== undefined && isAIMessage(message)) {
      await this.#teller.message(id, message.text)
      for (const call of callsOf(message)) await this.#teller.call(call, id)
      const usage = usageOf(message)
      if (usage !== undefined) await this.#teller.usage(id, modelOf(message, UNKNOWN), usage)
    }
    if (isToolMessage(message)) {
      const { tool_call_id: toolCallId, name: tool = '', status, text: result } = message
      await this.#teller.result({ toolCallId, tool, result, isError: status === 'error' })
    }
  }

  /** One id for all that a model streams, which the message has in the graph's state too. */
  #name(runId: string, speaking: Speaking, message: BaseMessage | undefined): string {
    if (speaking.messageId === undefined) {
      speaking.messageId = message?.id ?? `run-${runId}`
      if (!speaking.isSilent) this.#said.push({ messageId: speaking.messageId, tasks: speaking.tasks })
    }
    const { messageId } = speaking
    if (message !== undefined && message.id !== messageId) rename(message, messageId)
    return messageId
  }
}

function outcomeOf(message: AIMessage, model: Speaking['model']): OperationOutcome {
  const usage = usageOf(message)
  return {
    output: message.text,
    answeredBy: modelOf(message, model),
    ...(usage === undefined ? {} : { usage }),
  }
}

/** Of a model that was asked without LangChain's callbacks. */
const UNKNOWN = { provider: 'unknown', name: 'unknown' }

const textIn = (value: unknown): string => (typeof value === 'string' ? value : 'unknown')

function rename(message: BaseMessage, id: string): void {
  message.id = id
  message.lc_kwargs['id'] = id
}

/** `agent:<task>|inner:<task>`: from the graph's own task to the innermost. */
function tasksOf(namespace: unknown): string[] {
  if (typeof namespace !== 'string') return []
  return namespace.split('|').flatMap((part) => part.split(':').at(-1) ?? [])
}

interface Piece {
  type: 'text' | 'reasoning'
  text: string
}

function piecesOf(chunk: BaseMessage): Piece[] {
  const { content } = chunk
  const isPlain = typeof content === 'string' && Object.keys(chunk.additional_kwargs).length === 0
  if (isPlain) return content === '' ? [] : [{ type: 'text', text: content }]
  // Of servers that speak OpenAI's wire and think.
  const { reasoning_content: thought } = chunk.additional_kwargs
  if (typeof thought === 'string' && thought !== '') return [{ type: 'reasoning', text: thought }]
  const blocks = chunk instanceof AIMessageChunk ? chunk.contentBlocks : (chunk as AIMessage).contentBlocks
  return blocks.flatMap((block): Piece[] => {
    if (block.type === 'text') return [{ type: 'text', text: block.text }]
    return block.type === 'reasoning' && typeof block.reasoning === 'string'
      ? [{ type: 'reasoning', text: block.reasoning }]
      : []
  })
}
