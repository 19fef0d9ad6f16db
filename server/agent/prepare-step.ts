import { z } from 'zod'
import { isPlainObject } from '../contract/json.ts'
import { detailsOf } from '../contract/issues.ts'
import { AgentMessage } from '../contract/message.ts'
import type { Model, ModelSettings, TokenUsage, ToolChoice } from '../ports/model.ts'
import type { AnyTool } from './define-tool.ts'
import type { LoopStep } from './stop-conditions.ts'
import type { ToolList, ToolSource } from './tool-source.ts'
import { unknownOption } from './unknown-option.ts'

/** What `prepareStep` is told of the turn to come. */
export interface StepToPrepare {
  /** Which turn of the model it is, from 1. */
  readonly step: number
  /** The turns before it. */
  readonly steps: readonly LoopStep[]
  /** What the model would be sent, instructions included. */
  readonly messages: readonly AgentMessage[]
  /** The model that would be asked. */
  readonly model: Model
  /** Over all model calls so far. */
  readonly usage: TokenUsage
}

/** What holds for one turn of the model, in place of the loop's own. What is left out stays. */
export interface PreparedStep extends ModelSettings {
  /** Tools, or names of the loop's. */
  tools?: Iterable<AnyTool | ToolSource | string> | ToolSource
  model?: Model
  /** What the model is sent, instructions included. It is sent as it is: nothing of it is summed up. */
  messages?: readonly AgentMessage[]
  toolChoice?: ToolChoice
}

export type PrepareStep = (
  step: StepToPrepare,
) => Promise<PreparedStep | undefined | void> | PreparedStep | undefined | void

const OPTIONS: Record<keyof PreparedStep, true> = {
  tools: true,
  model: true,
  messages: true,
  toolChoice: true,
  maxOutputTokens: true,
  temperature: true,
  reasoningEffort: true,
  stop: true,
  promptCache: true,
}

const Prepared = z.object({
  tools: z
    .custom((tools) => typeof tools === 'object' && tools !== null, 'expected a list of tools or their names')
    .optional(),
  model: z.custom((model) => typeof Object(model).stream === 'function', 'expected a model').optional(),
  messages: z.array(AgentMessage).optional(),
  toolChoice: z
    .union([z.enum(['auto', 'none', 'required']), z.strictObject({ tool: z.string() })], {
      error: 'expected "auto", "none", "required" or { tool }',
    })
    .optional(),
})

/** @throws TypeError when what it answers is not valid. */
export async function prepareStep(
  prepare: PrepareStep | undefined,
  step: StepToPrepare,
): Promise<PreparedStep> {
  const prepared: unknown = await prepare?.(step)
  if (prepared === undefined || prepared === null) return {}
  if (!isPlainObject(prepared)) {
    throw new TypeError(
      'prepareStep: answer with an object, such as { toolChoice: "none" }, or with nothing.',
    )
  }
  const unknown = unknownOption(prepared, OPTIONS)
  if (unknown !== undefined) throw new TypeError(`prepareStep: ${unknown}`)
  const { error } = Prepared.safeParse(prepared)
  if (error !== undefined) {
    const [{ path, message } = { path: '', message: '' }] = detailsOf(error.issues)
    throw new TypeError(`prepareStep: ${path} is not valid. ${message}`)
  }
  return prepared
}

/**
 * The tools of a turn.
 *
 * @param known those of the loop, by name.
 * @throws TypeError for a name that none of these has.
 */
export function preparedTools(
  tools: NonNullable<PreparedStep['tools']>,
  known: ReadonlyMap<string, AnyTool>,
): ToolList {
  if (!(Symbol.iterator in tools)) return tools
  return [...tools].map((tool) => {
    if (typeof tool === 'object') return tool
    const found = known.get(tool)
    if (found !== undefined) return found
    throw new TypeError(
      `prepareStep: the loop has no tool "${tool}". It has ${[...known.keys()].join(', ') || 'none'}.`,
    )
  })
}

/** @throws TypeError when it demands a tool that is not offered. */
export function assertChoice(choice: ToolChoice | undefined, offered: ReadonlyMap<string, AnyTool>): void {
  if (choice === undefined || choice === 'auto' || choice === 'none') return
  if (choice === 'required' ? offered.size > 0 : offered.has(choice.tool)) return
  const what = choice === 'required' ? 'a tool' : `the tool "${choice.tool}"`
  throw new TypeError(`prepareStep: toolChoice demands ${what}, and the turn does not offer it.`)
}
