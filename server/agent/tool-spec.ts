import type { ToolSpec } from '../ports/model.ts'
import type { AnyTool } from './define-tool.ts'
import { toJsonSchema } from './tool-schema.ts'

/**
 * A tool as the model is told of it: its schema's input side as JSON Schema.
 *
 * @throws TypeError when the schema is no object's, which every provider wants, or has no JSON Schema.
 */
export function toToolSpec(tool: AnyTool): ToolSpec {
  const parameters = parametersOf(tool)
  if (parameters['type'] !== 'object') {
    throw new TypeError(`Tool "${tool.name}": the input has to be one object schema, z.object({ … }).`)
  }
  return { name: tool.name, description: tool.description, parameters }
}

function parametersOf({ name, input }: AnyTool): Record<string, unknown> {
  try {
    return toJsonSchema(input, 'input')
  } catch (cause) {
    throw new TypeError(`Tool "${name}": the input schema can't be written as JSON Schema.`, { cause })
  }
}
