// One run of an agent of the SDK, as the parts of this folder hand it on.
import type { Agent, AgentOutputType, RunState } from '@openai/agents'
import type { Journal } from '../../agent/journal.ts'
import type { Json } from '../../contract/json.ts'
import type { Teller } from '../teller.ts'
import type { OpenAIAgentContext, RunAgentOptions } from './run-options.ts'

/** A type and not an interface: it is stored as JSON. */
export type Saved = {
  state: string
  /** The ids of messages that the state has. */
  told: string[]
}

export interface AgentRun<TContext, TOutput extends AgentOutputType> {
  ctx: OpenAIAgentContext
  agent: Agent<TContext, TOutput>
  options: RunAgentOptions<TContext>
  teller: Teller
  journal: Journal
  /** What earlier attempts stored, by place. */
  entries: ReadonlyMap<number, Json>
  /** What the SDK says of a tool that failed. */
  failure: unknown
  told: Set<string>
}

export type State<TContext, TOutput extends AgentOutputType> = RunState<TContext, Agent<TContext, TOutput>>
