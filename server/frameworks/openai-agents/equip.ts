// Agents with models whose answers are stored before anything comes of them. The agents themselves are shared by all runs and stay as they are.
import { Agent } from '@openai/agents'
import type { AgentOutputType, FunctionTool, Model, ModelProvider, StreamEvent, Tool } from '@openai/agents'

/** What models answer. */
export interface Answers {
  /** Whether one of these agents asks: one that the SDK made a tool of is given the same models, and its answers are its own. */
  isAsked(): boolean
  /** What the model had answered that is asked now. */
  find(): AnswerEvent | undefined
  /** Stores and tells what a model streams. Nothing comes of an event before that. */
  hear(event: StreamEvent): Promise<void>
  /** Runs a call of the last answer. */
  within<T>(callId: string, run: () => T): T
}

/** The event of the SDK that ends an answer, with all of it. */
export type AnswerEvent = Extract<StreamEvent, { type: 'response_done' }>

export function storingModel(model: Model, answers: Answers): Model {
  const { supportsPromptModelSelection } = model
  return {
    ...(supportsPromptModelSelection === undefined ? {} : { supportsPromptModelSelection }),
    getResponse: (request) => model.getResponse(request),
    async *getStreamedResponse(request) {
      if (!answers.isAsked()) return yield* model.getStreamedResponse(request)
      const known = answers.find()
      for await (const event of known === undefined ? model.getStreamedResponse(request) : [known]) {
        await answers.hear(event)
        yield event
      }
    },
    getRetryAdvice: (asked) => model.getRetryAdvice?.(asked),
  }
}

export function storingProvider(provider: ModelProvider, answers: Answers): ModelProvider {
  return { getModel: async (name) => storingModel(await provider.getModel(name), answers) }
}

function scopedTool<TContext>(tool: Tool<TContext>, answers: Answers): Tool<TContext> {
  // The SDK knows an agent's tool by what it is.
  if (tool.type !== 'function' || 'on' in tool) return tool
  const { invoke } = tool
  const scoped: FunctionTool<TContext>['invoke'] = (context, input, details) =>
    answers.within(details?.toolCall?.callId ?? '', () => invoke(context, input, details))
  return { ...tool, invoke: scoped }
}

const EVENTS = ['agent_start', 'agent_end', 'agent_handoff', 'agent_tool_start', 'agent_tool_end'] as const

/** The agent, and those it may hand over to, with such models. Who listens to the agents hears of it as before. */
export function equip<TContext, TOutput extends AgentOutputType>(
  agent: Agent<TContext, TOutput>,
  answers: Answers,
): Agent<TContext, TOutput> {
  const equipped = new Map<unknown, unknown>()
  const equipOne = <T extends AgentOutputType>(one: Agent<TContext, T>): Agent<TContext, T> => {
    const known = equipped.get(one)
    if (known !== undefined) return known as Agent<TContext, T>
    const { model } = one
    const copy = one.clone(typeof model === 'string' ? {} : { model: storingModel(model, answers) })
    // Agents may hand over to each other in circles.
    equipped.set(one, copy)
    for (const event of EVENTS) copy.on(event, (...told) => void one.emit(event, ...(told as never)))
    copy.tools = one.tools.map((tool) => scopedTool(tool, answers))
    copy.handoffs = one.handoffs.map((to) =>
      to instanceof Agent ? equipOne(to) : to.clone({ agent: equipOne(to.agent) }),
    ) as typeof copy.handoffs
    return copy
  }
  return equipOne(agent)
}
