// The tools that an agent declares: those that pages run, and tools of the server. Clients know their calls by type.
import { isPlainObject } from '../contract/json.ts'
import type { Json, Jsonify } from '../contract/json.ts'
import { assertClientTool } from './client-tools.ts'
import type { ClientTool, ClientTools } from './client-tools.ts'
import type { AnyTool } from './define-tool.ts'
import type { InputOfSchema, OutputOfSchema, ToolSchema } from './tool-schema.ts'

export type AgentTools = Record<string, ClientTool | AnyTool>

/** What clients see of calls, whoever runs them: the arguments as they are given, and the results as they are told. */
export type CallShapes<TTools extends AgentTools> = {
  [K in keyof TTools]: {
    input: Jsonify<InputOfSchema<TTools[K]['input']>>
    output: TTools[K] extends { readonly output?: infer TOutput } ? ResultOf<TOutput> : Json
  }
}

/** A tool without a schema may result in any JSON. */
type ResultOf<TOutput> = unknown extends TOutput
  ? Json
  : TOutput extends ToolSchema
    ? Jsonify<OutputOfSchema<TOutput>>
    : Json

/** @throws TypeError when one is not well declared. */
export function assertTools(agentKey: string, tools: AgentTools): void {
  if (!isPlainObject(tools)) {
    throw new TypeError(
      `Agent "${agentKey}": tools are an object of names and tools, such as { pick: { description, input } }.`,
    )
  }
  for (const [name, tool] of Object.entries(tools)) {
    if (!isServerTool(tool)) {
      assertClientTool(agentKey, name, tool)
    } else if (typeof tool.name !== 'string') {
      throw new TypeError(`Agent "${agentKey}", tool "${name}": make a tool with execute by defineTool().`)
    } else if (tool.name !== name) {
      throw new TypeError(
        `Agent "${agentKey}": the tool "${tool.name}" is declared as ${JSON.stringify(name)}.`,
      )
    }
  }
}

const isServerTool = (tool: ClientTool | AnyTool): tool is AnyTool => 'execute' in Object(tool)

export const clientToolsOf = (tools: AgentTools): ClientTools =>
  Object.fromEntries(
    Object.entries(tools).filter((entry): entry is [string, ClientTool] => !isServerTool(entry[1])),
  )

/** All of them, those of pages as the tool loop takes them. */
export function declaredTools(tools: AgentTools, clientTools: readonly AnyTool[]): AnyTool[] {
  return Object.entries(tools).flatMap(([name, tool]) =>
    isServerTool(tool) ? [tool] : clientTools.filter((one) => one.name === name),
  )
}
