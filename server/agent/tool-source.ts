import type { AgentContext } from './context.ts'
import type { AnyTool } from './define-tool.ts'

type SourceContext = Pick<AgentContext, 'principal' | 'signal' | 'log'>

/** Tools that are not known beforehand, and may change: those of an MCP server. They are listed before each turn of the model. */
export interface ToolSource {
  list(ctx: SourceContext): Promise<readonly AnyTool[]>
}

export type ToolList = Iterable<AnyTool | ToolSource> | ToolSource

type ToolsOf = (ctx: SourceContext) => Promise<ReadonlyMap<string, AnyTool>> | ReadonlyMap<string, AnyTool>

/** @throws TypeError when two tools share a name: at once, or when a source lists them. */
export function toolSource(list: ToolList): ToolsOf {
  const items = isSource(list) ? [list] : [...list]
  const fixed = items.filter((item): item is AnyTool => !isSource(item))
  const known = byName(fixed)
  if (fixed.length === items.length) return () => known
  return async (ctx) => {
    const listed = await Promise.all(items.map(async (item) => (isSource(item) ? item.list(ctx) : [item])))
    return byName(listed.flat())
  }
}

const isSource = (item: AnyTool | ToolList): item is ToolSource => 'list' in item

function byName(tools: readonly AnyTool[]): ReadonlyMap<string, AnyTool> {
  const map = new Map(tools.map((tool) => [tool.name, tool]))
  if (map.size === tools.length) return map
  throw new TypeError('Two tools share a name; the model could not tell them apart.')
}
