import type { AgentMessage } from '../contract/message.ts'
import type { Schema } from '../contract/schema.ts'
import type { Model, ModelSettings, ToolChoice } from '../ports/model.ts'
import { countedAs } from './counted-model.ts'
import type { AnyTool } from './define-tool.ts'
import { type Generated, generate } from './generate.ts'
import type { OpenAITool } from './tool-formats.ts'

/** Tools that a model may call, or a registry of them. */
export type OfferedTools = Iterable<AnyTool | OpenAITool>

export interface GenerateOptions<
  TSchema extends Schema | undefined = undefined,
  TTools extends OfferedTools | undefined = OfferedTools | undefined,
> extends ModelSettings {
  /** Tools that the model may call, or a registry of them. They are not run: the answer's `toolCalls` has the calls. */
  tools?: TTools
  /** Whether it may call them, has to call one, or this one. Default: `auto`. */
  toolChoice?: ToolChoice
  /** The schema of the answer, which is then in `object`. After an answer that does not fit, the model is asked once more. */
  schema?: TSchema
  /** Instructions put before the messages. */
  system?: string
  /** Default: the run's. */
  signal?: AbortSignal
}

/**
 * The models of a run. What each answer took is emitted as `usage`, and counts towards the run's budget.
 *
 * @example
 * const { text } = await ctx.llm.generate('Say hello.')
 * const { object } = await ctx.llm('anthropic/claude-sonnet-5-5').generate(ctx.messages, { schema: z.object({ city: z.string() }) })
 */
export interface Llm extends Model {
  /**
   * Another model, by its provider and its name; several are a chain, of which the first that answers does.
   *
   * @throws ModelError when there is no such provider, or no key for it.
   * @example
   * const reply = await toolLoop(ctx, { model: ctx.llm('openai/gpt-5.6-terra', 'anthropic/claude-sonnet-5-5') })
   */
  (...ids: [string, ...string[]]): Llm
  /**
   * One answer in whole, without events of its text. It is no step of its own: inside of `ctx.step` it is asked for once.
   *
   * @throws ModelError when the model fails, or its answer does not fit the schema.
   */
  generate<
    TSchema extends Schema | undefined = undefined,
    TTools extends OfferedTools | undefined = undefined,
  >(
    messages: string | readonly AgentMessage[],
    options?: GenerateOptions<TSchema, TTools>,
  ): Promise<Generated<TSchema, TTools>>
}

interface LlmPorts {
  signal: AbortSignal
  /** A model by its names, whose calls count towards the run. */
  find(ids: readonly [string, ...string[]]): Model
}

/** @param model one whose calls count towards the run. */
export function createLlm(model: Model, { signal, find }: LlmPorts): Llm {
  const choose = (...ids: [string, ...string[]]) => createLlm(find(ids), { signal, find })
  const rest: Pick<Llm, 'provider' | 'stream' | 'generate'> = {
    provider: model.provider,
    stream: (...request) => model.stream(...request),
    generate: (messages, options) => generate(model, messages, { signal, ...options }),
  }
  const llm = Object.assign(choose, rest)
  // The `name` of a function can't be assigned.
  Object.defineProperty(llm, 'name', { value: model.name, enumerable: true })
  return countedAs(model, llm as Llm)
}
