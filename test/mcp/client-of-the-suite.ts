// The client that the protocol's suite starts with the address of its server. It lists the tools and calls
// each.
import { inspect } from 'node:util'
import { z } from 'zod'
import type { AnyTool, ToolContext } from '../../server/agent/define-tool.ts'
import { standardOf } from '../../server/agent/tool-schema.ts'
import { mcpTools } from '../../server/mcp/index.ts'

const Context = z.looseObject({
  toolCalls: z.array(z.object({ name: z.string(), arguments: z.record(z.string(), z.json()) })).optional(),
})
const { toolCalls } = Context.parse(JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}'))

const log = { debug: tell, info: tell, warn: tell, error: tell }
const ctx: ToolContext = {
  runId: '01990000-0000-7000-8000-000000000000',
  conversationId: null,
  attempt: 1,
  metadata: {},
  principal: { id: 'suite', tenantId: '', kind: 'user' },
  signal: new AbortController().signal,
  log,
  idempotencyKey: 'key',
  report: async () => {},
  ask: async () => ({ status: 'answered', value: { action: 'accept', content: {} } }) as never,
}

function tell(fields: object, message: string): void {
  process.stderr.write(`${message} ${inspect(fields)}\n`)
}

async function call(tool: AnyTool | undefined, input: unknown): Promise<void> {
  try {
    await tool?.execute(input as never, ctx)
  } catch (error) {
    tell({ err: error }, `${tool?.name}:`)
  }
}

const SAMPLES: Record<string, unknown> = {
  string: 'text',
  number: 1,
  integer: 1,
  boolean: true,
  array: [],
  object: {},
}

const Parameters = z.looseObject({
  properties: z.record(z.string(), z.looseObject({ type: z.string().optional() })).default({}),
  required: z.array(z.string()).default([]),
})

/** Arguments that fit a tool's schema. One tool wants the schema of the others. */
function inputFor(tool: AnyTool, others: readonly AnyTool[]): Record<string, unknown> {
  if (tool.name === 'json_schema_echo') {
    return { schema: others.filter((other) => other !== tool).map(schemaOf)[0] }
  }
  const { properties, required } = Parameters.parse(schemaOf(tool))
  return Object.fromEntries(required.map((name) => [name, SAMPLES[properties[name]?.type ?? 'object']]))
}

/** The text as the server wrote it. */
const schemaOf = ({ input }: AnyTool) =>
  standardOf(input)['~standard'].jsonSchema?.input({ target: 'draft-2020-12' })

const tools = mcpTools({ url: process.argv.at(-1) as string })
const listed = await tools.list(ctx)
if (toolCalls === undefined) for (const tool of listed) await call(tool, inputFor(tool, listed))
else {
  for (const { name, arguments: input } of toolCalls) {
    await call(
      listed.find((tool) => tool.name === name),
      input,
    )
  }
}
await tools.close()
