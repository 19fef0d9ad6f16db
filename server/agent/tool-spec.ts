import { z } from 'zod'
import type { ToolSpec } from '../ports/model.ts'
import type { AnyTool } from './define-tool.ts'

/**
 * A tool as the model is told of it: its zod schema's input side as JSON Schema.
 *
 * @throws TypeError when the schema is no object's, which every provider wants, or has no JSON Schema.
 */
export function toToolSpec(tool: AnyTool): ToolSpec {
  const { $schema: _, ...parameters } = toJsonSchema(tool)
  if (parameters['type'] !== 'object') {
    throw new TypeError(`Tool "${tool.name}": the input has to be one object schema, z.object({ … }).`)
  }
  return { name: tool.name, description: tool.description, parameters }
}

function toJsonSchema(tool: AnyTool): Record<string, unknown> {
  try {
    return z.toJSONSchema(tool.input, { io: 'input' })
  } catch (cause) {
    throw new TypeError(`Tool "${tool.name}": the input schema can't be written as JSON Schema.`, { cause })
  }
}
