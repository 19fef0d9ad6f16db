import { CLIENT_CAPABILITIES_META_KEY } from '@modelcontextprotocol/server'
import type { ClientCapabilities, ServerContext } from '@modelcontextprotocol/server'

export const TASKS = 'io.modelcontextprotocol/tasks'

/** Whether the client said, with this very request, that it knows tasks. */
export function knowsTasks(ctx: ServerContext): boolean {
  return capabilitiesOf(ctx)?.extensions?.[TASKS] !== undefined
}

/** Whether it said that it shows forms. */
export function canBeAsked(ctx: ServerContext): boolean {
  const elicitation = capabilitiesOf(ctx)?.elicitation
  return elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined)
}

/** The SDK checked them, and its types leave them out. */
function capabilitiesOf({ mcpReq }: ServerContext): ClientCapabilities | undefined {
  const envelope: { [CLIENT_CAPABILITIES_META_KEY]?: ClientCapabilities } = mcpReq.envelope ?? {}
  return envelope[CLIENT_CAPABILITIES_META_KEY]
}
