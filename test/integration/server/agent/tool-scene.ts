// An agent whose tools a test chooses.
import { z } from 'zod'
import { defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import type { AnyTool, Json, ToolContext } from '../../../../server/index.ts'

export const config = { maxAttempts: 5 }

export const agentOf = (tools: Iterable<AnyTool>) =>
  defineAgent({
    key: 'agent',
    async run(ctx) {
      const reply = await toolLoop(ctx, { tools })
      return { output: reply.text, messages: reply.messages }
    },
  })

export const call = (name: string, args: Json = {}) => ({ toolCalls: [{ name, arguments: args }] })

type Execute = (ctx: ToolContext) => Json | Promise<Json>

export const toolOf = (execute: Execute, rest: Partial<AnyTool> = {}): AnyTool =>
  defineTool({
    name: 'act',
    description: 'Acts',
    input: z.object({ n: z.number().optional() }),
    execute: (_, ctx) => execute(ctx),
    ...(rest as object),
  })

export const DEBUG = 'events?include_debug=1'

export interface Waiting {
  name: string
  kind: string
  details: { hash: string; toolCallId?: string; interruptedIn?: number; arguments: Json }
}
