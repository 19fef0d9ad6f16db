import type { AgentContext } from '../../agent/context.ts'
import type { Json } from '../../contract/json.ts'
import type { Teller } from '../teller.ts'

/** A type and not an interface: it is stored as the result of a step, as JSON. */
type Outcome = { value: Json } | { error: string }

type Execute = (input: unknown, options: { toolCallId: string }) => unknown

/** Without a name, the text that the SDK makes of it for the model is what was told. */
class StoredFailure extends Error {
  override readonly name = ''
}

/** The most that is known of a call in the name of its step. */
const MAX_NAME = 60

/** The tools, each call of which is a step of the run. Tools that others execute stay as they are. */
export function storingTools<TTools extends object>(
  tools: TTools,
  { ctx, teller }: { ctx: Pick<AgentContext, 'step' | 'signal'>; teller: Teller },
): TTools {
  const wrapped = Object.entries(tools).map(([tool, given]: [string, unknown]) => {
    const { execute } = Object(given) as { execute?: Execute }
    if (typeof execute !== 'function') return [tool, given]
    return [tool, { ...Object(given), execute: storing(tool, execute.bind(given)) }]
  })
  return Object.fromEntries(wrapped) as TTools

  function storing(tool: string, execute: Execute): Execute {
    return async (input, options) => {
      const { toolCallId } = options
      const place = `tool:${tool.slice(0, MAX_NAME).toWellFormed()}:${toolCallId.slice(0, MAX_NAME).toWellFormed()}`
      const outcome = await ctx.step(place, () => outcomeOf(() => execute(input, options)))
      if ('value' in outcome) {
        await teller.result({ toolCallId, tool, result: outcome.value })
        return outcome.value
      }
      const { error } = outcome
      await teller.result({ toolCallId, tool, result: error, isError: true })
      throw new StoredFailure(error)
    }
  }

  async function outcomeOf(execute: () => unknown): Promise<Outcome> {
    try {
      return { value: (await lastOf(execute())) as Json }
    } catch (error) {
      // What a tool makes of being stopped is no result: the next attempt runs it anew.
      ctx.signal.throwIfAborted()
      return { error: error instanceof Error ? error.message : String(error) }
    }
  }
}

/** A tool may tell how far it is before its result. */
async function lastOf(made: unknown): Promise<unknown> {
  const result = await made
  if (typeof result !== 'object' || result === null || !(Symbol.asyncIterator in result))
    return result ?? null
  let last: unknown = null
  for await (const each of result as AsyncIterable<unknown>) last = each
  return last
}
