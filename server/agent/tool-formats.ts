// Tools in the forms in which providers are told of them.
import type { ToolSpec } from '../ports/model.ts'
import type { AnyTool } from './define-tool.ts'
import { toToolSpec } from './tool-spec.ts'

/** A tool as OpenAI's chat format has it. */
export interface OpenAITool {
  type: 'function'
  function: ToolSpec
}

/** A tool as Anthropic's messages have it. */
export interface AnthropicTool {
  name: string
  description: string
  input_schema: Record<string, unknown>
}

export function toOpenAITool(tool: AnyTool): OpenAITool {
  return { type: 'function', function: toToolSpec(tool) }
}

export function toAnthropicTool(tool: AnyTool): AnthropicTool {
  const { parameters, ...named } = toToolSpec(tool)
  return { ...named, input_schema: parameters }
}

/** @throws TypeError as {@link toToolSpec} does. */
export function toOfferedSpec(tool: AnyTool | OpenAITool): ToolSpec {
  return 'function' in tool ? tool.function : toToolSpec(tool)
}
