// Questions that a tool has in the middle of a call. The run waits for the answer, and the call is run anew with it.
import { z } from 'zod'
import type { Json, JsonLike } from '../contract/json.ts'
import type { WaitOutcome } from './wait.ts'
import { ToolError } from './tool-error.ts'

export interface ToolQuestion {
  /** JSON Schema of the answer. */
  schema: Record<string, unknown>
  /** Told to whoever answers. */
  details?: JsonLike
  /** Milliseconds after which nobody has answered; null for never. Default: a day. */
  timeoutMs?: number | null
}

export interface NamedQuestion extends ToolQuestion {
  name: string
}

/** How questions of a run's tools are answered. */
export interface Asker {
  /** The answer, where there is one. */
  find(name: string): Promise<WaitOutcome<Json> | undefined>
  /** Waits for the answer, for which the attempt may end. No other question of the run has its name. */
  ask(question: NamedQuestion): Promise<unknown>
  /** The same of one whose name others may have: they are told apart as waits are. */
  askInOrder(question: NamedQuestion): Promise<unknown>
}

/** What ends a call whose question is not answered yet. */
export class UnansweredError extends Error {
  override readonly name = 'UnansweredError'
  readonly question: NamedQuestion

  constructor(question: NamedQuestion) {
    super('The tool waits for an answer.')
    this.question = question
  }
}

/**
 * A run must not wait for an answer that could never be taken.
 *
 * @throws ToolError
 */
export function assertAnswerable(name: string, { schema }: ToolQuestion): void {
  try {
    z.fromJSONSchema(schema)
  } catch (cause) {
    throw new ToolError(`The schema of a question of the tool "${name}" can't be checked here.`, { cause })
  }
}

/** A property that no copy has, in place of a weak map, whose entries are costly to collect: each attempt would leave one. */
const ASKER = Symbol('asker')

/** Lets the tools that are run with a context ask. */
export function letAsk<T extends object>(ctx: T, asker: Asker): T {
  return Object.defineProperty(ctx, ASKER, { value: asker })
}

export const askerOf = (ctx: object): Asker | undefined => (ctx as { [ASKER]?: Asker })[ASKER]
