import { createHash } from 'node:crypto'
import type { CallToolResult, Tool } from '@modelcontextprotocol/client'
import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError } from '@modelcontextprotocol/client'
import { defineTool } from '../agent/define-tool.ts'
import type { AnyTool, ToolContext, ToolReplay } from '../agent/define-tool.ts'
import { ToolError } from '../agent/tool-error.ts'
import type { StandardSchema } from '../agent/tool-schema.ts'
import type { ToolSource } from '../agent/tool-source.ts'
import { unknownOption } from '../agent/unknown-option.ts'
import { closeWithWorkers } from '../agent/worker-resources.ts'
import { isPlainObject } from '../contract/json.ts'
import type { Json } from '../contract/json.ts'
import type { Principal } from '../contract/principal.ts'
import { McpConnection } from './connection.ts'
import type { McpServer } from './connection.ts'
import { Pool } from './pool.ts'

export type { McpServer } from './connection.ts'

export type McpToolsOptions = McpServer & {
  /** Put before the names of its tools, which have to differ from those of others. Default: none. */
  prefix?: string
  /** Names of the tools that are offered. Default: all. */
  only?: readonly string[]
  /** Headers for requests to an address, by whose run it is. */
  headers?:
    | Record<string, string>
    | ((principal: Principal) => Record<string, string> | Promise<Record<string, string>>)
  /** Whether somebody has to approve a call: all of them, or by the server's name of the tool and its arguments. Default: false. */
  needsApproval?: boolean | ((tool: string, input: Record<string, unknown>) => boolean)
  /** As that of other tools. Default: none. */
  timeoutMs?: number
  /** As that of other tools. Default: `safe` for tools that the server calls read-only or idempotent, else `keyed`. */
  replay?: ToolReplay
  /** As that of other tools. */
  maxResultBytes?: number
  /** Connections at once, of callers with the same headers; further calls wait. Default: 4. */
  maxConnections?: number
  /** Seconds after which a connection that nobody uses is closed, and with it a command's process. Default: 60. */
  idleSeconds?: number
}

type KeyOfAny<T> = T extends unknown ? keyof T : never

const OPTIONS: Record<KeyOfAny<McpToolsOptions>, true> = {
  url: true,
  fetch: true,
  command: true,
  args: true,
  env: true,
  cwd: true,
  prefix: true,
  only: true,
  headers: true,
  needsApproval: true,
  timeoutMs: true,
  replay: true,
  maxResultBytes: true,
  maxConnections: true,
  idleSeconds: true,
}

const MAX_IDLE_SECONDS = 86_400

/** Tools of an MCP server, for `tools` of the tool loop. */
export interface McpTools extends ToolSource {
  /** Ends its connections and processes, as the end of the last worker of the process does. They are opened anew when needed. */
  close(): Promise<void>
}

/**
 * Tools of an MCP server. It is connected to when a run needs it, and again after it went away; when it tells that its tools have
 * changed, the model is told in its next turn. What it reports and logs in the middle of a call is `tool.progress`, what it asks is a wait.
 *
 * @throws TypeError when there is no such option, or one is out of its bounds.
 * @example
 * const github = mcpTools({ url: 'https://api.githubcopilot.com/mcp/', headers: ({ id }) => tokenOf(id) })
 * const files = mcpTools({ command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem', '/data'] })
 * const reply = await toolLoop(ctx, { tools: [getWeather, github, files] })
 */
export function mcpTools(options: McpToolsOptions): McpTools {
  const unknown = unknownOption(options, OPTIONS)
  if (unknown !== undefined) throw new TypeError(`mcpTools: ${unknown}`)
  const { maxConnections: max = 4, idleSeconds = 60 } = options
  if (!(Number.isInteger(max) && max > 0)) {
    throw new TypeError('mcpTools: maxConnections is a whole number above 0.')
  }
  if (!(idleSeconds >= 0 && idleSeconds <= MAX_IDLE_SECONDS)) {
    throw new TypeError(`mcpTools: idleSeconds is a number from 0 to ${MAX_IDLE_SECONDS}.`)
  }
  const peers = new Map<string, Peer>()
  /** Those that have connections. */
  const connected = new Set<Peer>()
  const close = async () => void (await Promise.all([...connected].map((peer) => peer.pool.close())))
  let forget = (): void => {}

  async function peerOf(principal: Principal): Promise<Peer> {
    const { headers = {} } = options
    const given = typeof headers === 'function' ? await headers(principal) : headers
    // They may be a token, and this is kept for as long as there is a connection.
    const key = createHash('sha256').update(JSON.stringify(given)).digest('base64')
    const known = peers.get(key)
    if (known !== undefined) return known
    const peer: Peer = {
      tools: undefined,
      pool: new Pool({
        max,
        idleMs: idleSeconds * 1_000,
        open: () => McpConnection.open(options, given, () => (peer.tools = undefined)),
        onUsed() {
          if (connected.size === 0) forget = closeWithWorkers(close)
          connected.add(peer)
        },
        onEmpty() {
          connected.delete(peer)
          if (peers.get(key) === peer) peers.delete(key)
          if (connected.size === 0) forget()
        },
      }),
    }
    peers.set(key, peer)
    return peer
  }

  return {
    close,
    async list({ principal, log }) {
      const peer = await peerOf(principal)
      const listed = (peer.tools ??= listOf(peer.pool))
      const tools = await listed.catch((error: unknown) => {
        peer.tools = undefined
        throw error
      })
      return tools
        .filter(({ name }) => options.only?.includes(name) ?? true)
        .flatMap((tool) => {
          try {
            return [toTool(tool, options, async (ctx) => (await peerOf(ctx.principal)).pool)]
          } catch (err) {
            log.warn({ err, tool: tool.name }, 'a tool of an MCP server can not be offered')
            return []
          }
        })
    },
  }
}

interface Peer {
  /** As they were listed last, unless they have changed. */
  tools: Promise<Tool[]> | undefined
  pool: Pool
}

function toTool(tool: Tool, options: McpToolsOptions, poolOf: (ctx: ToolContext) => Promise<Pool>): AnyTool {
  const { prefix = '', timeoutMs, maxResultBytes, needsApproval = false } = options
  const isHarmless = tool.annotations?.readOnlyHint === true || tool.annotations?.idempotentHint === true
  return defineTool({
    name: `${prefix}${tool.name.replaceAll(/[^a-zA-Z0-9_-]/g, '_')}`,
    description: tool.description ?? tool.title ?? tool.name,
    input: inputOf(tool),
    needsApproval:
      typeof needsApproval === 'function' ? (input) => needsApproval(tool.name, input) : needsApproval,
    replay: options.replay ?? (isHarmless ? 'safe' : 'keyed'),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(maxResultBytes === undefined ? {} : { maxResultBytes }),
    execute: async (input, ctx) => read(await call(await poolOf(ctx), { tool, input }, ctx)),
  })
}

async function call(
  pool: Pool,
  { tool, input }: { tool: Tool; input: Record<string, unknown> },
  ctx: ToolContext,
): Promise<CallToolResult> {
  try {
    return await again(pool, (connection) => connection.call(tool, input, ctx))
  } catch (error) {
    if (ctx.signal.aborted) throw error
    if (error instanceof ProtocolError) throw new ToolError(error.message, { cause: error })
    const isLost = error instanceof SdkError && error.code === SdkErrorCode.ConnectionClosed
    const what = isLost
      ? 'went away in the middle of the call: it may have been done, or not'
      : 'could not be asked'
    ctx.log.warn({ err: error, tool: tool.name }, 'a call of an MCP server failed')
    throw new ToolError(`The server of the tool "${tool.name}" ${what}.`, { cause: error })
  }
}

const listOf = (pool: Pool): Promise<Tool[]> => again(pool, (connection) => connection.list())

/** Does it on another connection where one that had served before turns out to be lost, and the request was not taken. */
async function again<T>(pool: Pool, ask: (connection: McpConnection) => Promise<T>): Promise<T> {
  const first = await pool.use(async (connection, isReused) => {
    try {
      return { answer: await ask(connection) }
    } catch (error) {
      if (isReused && isUnsent(error)) return undefined
      throw error
    }
  })
  return first === undefined ? pool.use(ask) : first.answer
}

function isUnsent(error: unknown): boolean {
  if (error instanceof SdkHttpError) return error.status === 404
  if (error instanceof SdkError) {
    return error.code === SdkErrorCode.NotConnected || error.code === SdkErrorCode.SendFailed
  }
  const { cause } = Object(error) as { cause?: unknown }
  return (Object(cause) as { code?: unknown }).code === 'ECONNREFUSED'
}

/** The server checks the arguments itself, by all of its schema. */
function inputOf({ inputSchema }: Tool): StandardSchema<Record<string, unknown>> {
  const jsonSchema = () => ({ ...inputSchema })
  return {
    '~standard': {
      version: 1,
      vendor: 'mcp',
      validate: (value) =>
        isPlainObject(value) ? { value } : { issues: [{ message: 'expected an object' }] },
      jsonSchema: { input: jsonSchema, output: jsonSchema },
    },
  }
}

function read({ content, structuredContent, isError }: CallToolResult): Json {
  const texts = content.map((part) => (part.type === 'text' ? part.text : undefined))
  const text = texts.every((part) => part !== undefined) ? texts.join('\n') : undefined
  if (isError === true) throw new ToolError(text ?? JSON.stringify(content))
  return (structuredContent ?? text ?? content) as Json
}
