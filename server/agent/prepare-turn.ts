import type { AgentMessage } from '../contract/message.ts'
import type { Model, ModelRequest, ModelSettings } from '../ports/model.ts'
import type { AnyTool } from './define-tool.ts'
import { assertChoice, preparedTools, prepareStep } from './prepare-step.ts'
import type { StepToPrepare } from './prepare-step.ts'
import type { ToolLoopContext, ToolLoopOptions } from './tool-loop.ts'
import { toolSource } from './tool-source.ts'
import { toToolSpec } from './tool-spec.ts'

/** What holds for one turn of the model. */
export interface Turn {
  model: Model
  tools: ReadonlyMap<string, AnyTool>
  request: Omit<ModelRequest, 'messages'>
  /** What it is sent in place of the loop's messages. */
  messages: readonly AgentMessage[] | undefined
}

const SETTINGS = ['maxOutputTokens', 'temperature', 'reasoningEffort', 'stop', 'promptCache'] as const

/**
 * What holds for each turn: the loop's options, and what its `prepareStep` says.
 *
 * @param counted the model, or `ctx.llm`, whose calls count towards the run.
 */
export function createPrepareTurn(
  ctx: ToolLoopContext,
  options: ToolLoopOptions,
  counted: (model: Model | undefined) => Model,
): (about: Omit<StepToPrepare, 'model'>) => Promise<Turn> {
  const source = toolSource(options.tools ?? [])
  return async (about) => {
    const known = await source(ctx)
    const prepared = await prepareStep(options.prepareStep, { ...about, model: options.model ?? ctx.llm })
    const tools =
      prepared.tools === undefined ? known : await toolSource(preparedTools(prepared.tools, known))(ctx)
    const { toolChoice, messages } = prepared
    assertChoice(toolChoice, tools)
    const settings: ModelSettings = Object.fromEntries(
      SETTINGS.map((name) => [name, prepared[name] ?? options[name]] as const).filter(
        ([, value]) => value !== undefined,
      ),
    )
    const offered =
      tools.size === 0
        ? {}
        : {
            tools: [...tools.values()].map(toToolSpec),
            ...(toolChoice === undefined ? {} : { toolChoice }),
          }
    return {
      model: counted(prepared.model ?? options.model),
      tools,
      request: { ...offered, ...settings },
      messages,
    }
  }
}
