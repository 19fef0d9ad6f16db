import { createHash } from 'node:crypto'
import { canonicalJson } from '../contract/canonical-json.ts'
import type { Json } from '../contract/json.ts'
import { currentContext } from './current-context.ts'
import type { AnyTool } from './define-tool.ts'
import { startToolCalls } from './start-tool-calls.ts'
import type { CallsContext } from './start-tool-calls.ts'
import { toAnthropicTool, toOpenAITool } from './tool-formats.ts'
import type { AnthropicTool, OpenAITool } from './tool-formats.ts'

/** How often a context has made each call. */
const made = new WeakMap<object, Map<string, number>>()

/**
 * Tools by name, for loops that are written by hand, and for {@link toolLoop}, whose `tools` it may be.
 *
 * @throws TypeError when two share a name.
 * @example
 * const tools = new ToolRegistry().register(getWeather).register(searchDatabase)
 * const { toolCalls } = await ctx.llm.generate(messages, { tools: tools.toOpenAIFormat() })
 * for (const { name, arguments: args } of toolCalls) await tools.execute(name, args)
 */
export class ToolRegistry implements Iterable<AnyTool> {
  readonly #tools = new Map<string, AnyTool>()

  constructor(tools: Iterable<AnyTool> = []) {
    for (const tool of tools) this.register(tool)
  }

  register(tool: AnyTool): this {
    if (this.#tools.has(tool.name)) throw new TypeError(`There is a tool "${tool.name}" already.`)
    this.#tools.set(tool.name, tool)
    return this
  }

  [Symbol.iterator](): Iterator<AnyTool> {
    return this.#tools.values()
  }

  /** For `ctx.llm.generate`, and OpenAI's own client. */
  toOpenAIFormat(): OpenAITool[] {
    return [...this].map(toOpenAITool)
  }

  /** For Anthropic's own client. */
  toAnthropicFormat(): AnthropicTool[] {
    return [...this].map(toAnthropicTool)
  }

  /**
   * Runs a tool within a run, as `toolLoop` does: the call is a step, done once, whatever crashes; it waits for leave where the tool needs
   * it; what goes wrong is the result, `{ error }`. It emits no `tool.call` and no `tool.result`.
   *
   * @param args what the model gave: an object, or its JSON.
   * @param ctx default: that of the agent whose code is running.
   * @throws TypeError outside of a run. `ctx.signal`'s reason when the run is stopped.
   */
  async execute(name: string, args: Json, ctx: CallsContext | undefined = currentContext()): Promise<Json> {
    if (ctx === undefined) {
      throw new TypeError(
        `The tool "${name}" is run within a run: outside of one, name the context to run it with.`,
      )
    }
    const given = typeof args === 'string' ? readArguments(args) : args
    // A loop that asks the model anew after a crash may be answered with other calls, which are other steps.
    const digest = createHash('sha256').update(canonicalJson(given)).digest('hex').slice(0, 16)
    const step = `tool:${this.#tools.has(name) ? name : 'unknown'}:${digest}`
    const call = { id: `${step}/${nextOf(ctx, step)}`, name, arguments: given }
    const [running] = await startToolCalls(ctx, { tools: this.#tools, calls: [call], stepOf: () => step })
    return ((await running) as { result: Json }).result
  }
}

/** What is no JSON stays text, which the tool is not run with. */
function readArguments(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

function nextOf(ctx: object, step: string): number {
  const counts = made.get(ctx) ?? new Map<string, number>()
  made.set(ctx, counts)
  const count = (counts.get(step) ?? 0) + 1
  counts.set(step, count)
  return count
}
