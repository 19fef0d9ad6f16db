import { z } from 'zod'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Json } from '../contract/json.ts'
import type { ToolAnswer } from '../contract/wait.ts'
import { ChildRunError } from './child-run.ts'
import type { RunAgentOptions } from './child-run.ts'
import type { AskedTool } from './client-tools.ts'
import type { AnyAgent } from './agent.ts'
import { defineTool } from './define-tool.ts'
import type { OutputOfSchema, ToolSchema } from './tool-schema.ts'
import { unknownOption } from './unknown-option.ts'

export interface AgentToolOptions<TAgent extends AnyAgent, TInput extends ToolSchema> {
  /** Default: the agent's key, with `_` for what no tool's name has. */
  name?: string
  /** What the model is told of it. Default: the agent's. */
  description?: string
  /** What the model gives. Default: the agent's `params`; of an agent without these `{ message: string }`, which becomes its input. */
  input?: TInput
  /** What the agent is run with, by what the model gave. Needed with an `input`. */
  run?: (input: OutputOfSchema<TInput>) => RunAgentOptions<TAgent>
}

const OPTIONS: Record<keyof AgentToolOptions<AnyAgent, ToolSchema>, true> = {
  name: true,
  description: true,
  input: true,
  run: true,
}

const Message = z.object({
  message: z.string().describe('What the agent is to do, with all it has to know.'),
})

/**
 * An agent as a tool: each call is a run of it, which `ctx.runAgent` tells of. Its result is the run's output, or what it said last where
 * that is null; a run that does not succeed is an error that the model is told.
 *
 * @throws TypeError when there is no such option, the name or the input is not a tool's, or nothing describes it.
 * @example
 * const reply = await toolLoop(ctx, { tools: [agentTool(research), getWeather] })
 */
export function agentTool<TAgent extends AnyAgent, TInput extends ToolSchema = z.ZodType>(
  agent: TAgent,
  options: AgentToolOptions<TAgent, TInput> = {},
): AskedTool {
  const unknown = unknownOption(options, OPTIONS)
  if (unknown !== undefined) throw new TypeError(`agentTool of "${agent.key}": ${unknown}`)
  const { name = nameOf(agent), description = agent.description, input, run } = options
  if (description === undefined) {
    throw new TypeError(
      `agentTool of "${agent.key}": give the agent or the tool a description, for the model.`,
    )
  }
  if ((input === undefined) !== (run === undefined)) {
    throw new TypeError(`agentTool of "${agent.key}": "input" and "run" go together.`)
  }
  const optionsOf = run as ((input: unknown) => RunAgentOptions<AnyAgent>) | undefined
  const tool = defineTool({
    name,
    description,
    input: (input ?? agent.params ?? Message) as z.ZodType,
    execute: () => {
      throw new TypeError(`The tool "${name}" is run by the tool loop of an agent.`)
    },
  })
  return {
    ...tool,
    async ask({ id, given: args, parsed }, ctx): Promise<ToolAnswer> {
      const { runAgent } = ctx
      if (runAgent === undefined) return { error: `The tool "${name}" can only be run within a run.` }
      const given = optionsOf?.(parsed) ?? defaultsFor(agent, args)
      const call = `${name}:${id}`.slice(0, MAX_NAME)
      try {
        const { output, text } = await (runAgent as RunAny)(agent, { ...given, name: call })
        return { result: output ?? text }
      } catch (error) {
        const isTold = error instanceof ChildRunError || error instanceof AgentRuntimeError
        if (isTold) return { error: error.message }
        throw error
      }
    },
  }
}

type RunAny = (agent: AnyAgent, options: object) => Promise<{ output: Json; text: string }>

/** The longest that `ctx.runAgent` takes. */
const MAX_NAME = 150

/** The params as the model gave them: the run checks them by the agent's schema, which may make others of them. */
function defaultsFor(agent: AnyAgent, args: Json): object {
  return agent.params === undefined
    ? { messages: (args as z.output<typeof Message>).message }
    : { params: args }
}

const nameOf = ({ key }: AnyAgent): string => key.replaceAll('.', '_').slice(0, 64)
