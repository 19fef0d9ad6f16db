import {
  createMcpHandler,
  fromJsonSchema,
  hostHeaderValidationResponse,
  McpServer,
  originValidationResponse,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { AnyAgent } from '../agent/agent.ts'
import type { Authenticate } from '../api/authenticate.ts'
import type { Runs } from '../domain/runs.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import type { Schema } from '../contract/schema.ts'
import { callAgent, startAgent } from './call-agent.ts'
import type { AgentInput } from './call-agent.ts'
import { canBeAsked, knowsTasks } from './client-capabilities.ts'
import { readState } from './request-state.ts'
import { serveTasks } from './tasks.ts'

/** What is served of a runtime. */
export interface ServedRuntime {
  readonly agents: readonly AnyAgent[]
  readonly runs: Runs
  keptDays(of: { tenantId: string; agentKey: string }): Promise<number | null>
  start(): Promise<void>
}

export interface McpServerOptions {
  /** Tells who is calling, as that of the runtime does, and is the same function, as a rule. */
  authenticate: Authenticate
  /** Keys of the agents that are tools. */
  agentKeys: readonly string[]
  /** Names of hosts that requests may be for. Others are refused, so that no page reaches a server on its reader's machine. */
  hostnames: readonly string[]
  /** Host names of pages that may call it. Default: none. What sends no `Origin`, as clients outside of browsers, may always. */
  origins?: readonly string[]
  /**
   * Keys of the agents whose calls are tasks for clients that know tasks: a call answers at once with the run's id, by which the client polls, answers
   * and cancels it. Default: all of `agentKeys`.
   */
  taskKeys?: readonly string[]
  /** What it calls itself. Default: `agents`. */
  name?: string
}

export interface McpServerHandler {
  /** A fetch handler, for one path of any server. */
  (request: Request): Promise<Response>
  /** Ends its streams, and leaves the runs of the calls that are under way alone. To be called before the connections are closed. */
  close(): Promise<void>
}

/**
 * Serves agents as tools of an MCP server over streamable HTTP. A call is a run of whoever calls; it ends with the run's answer. What the
 * run waits for, the caller is asked (an elicitation); the client's cancel cancels the run.
 *
 * @throws TypeError when there is no such agent, or the params of one can't be told to callers.
 * @example
 * const mcp = createMcpServer(runtime, { authenticate, agentKeys: ['weather'], hostnames: ['api.example.com'] })
 * Deno.serve((request) => (new URL(request.url).pathname === '/mcp' ? mcp(request) : runtime.handler(request)))
 */
export function createMcpServer(runtime: ServedRuntime, options: McpServerOptions): McpServerHandler {
  const { authenticate, agentKeys, hostnames, origins = [], taskKeys = agentKeys, name = 'agents' } = options
  const tools = agentKeys.map((key) => toTool(runtime, key))
  const stranger = taskKeys.find((key) => !agentKeys.includes(key))
  if (stranger !== undefined) throw new TypeError(`The agent "${stranger}" of taskKeys is not in agentKeys.`)

  const closing = new AbortController()
  const handler = createMcpHandler(({ authInfo, era }) => {
    const principal = authInfo?.extra?.['principal'] as Principal | undefined
    if (principal === undefined) throw new TypeError('A request of MCP came without its caller.')
    const { tenantId } = principal
    const keptMs = async (agentKey: string) => {
      const days = await runtime.keptDays({ tenantId, agentKey })
      return days === null ? null : days * DAY_MS
    }
    const server = new McpServer({ name, version: '1' }, { requestState: { verify: readState } })
    for (const { agentKey, toolName, description, inputSchema } of tools) {
      server.registerTool(toolName, { description, inputSchema }, (given, ctx) => {
        const input = given as AgentInput
        if (taskKeys.includes(agentKey) && knowsTasks(ctx)) {
          return startAgent(runtime.runs, { principal, agentKey, input, keptMs }, ctx)
        }
        return callAgent(
          runtime.runs,
          {
            principal,
            agentKey,
            input,
            mayAsk: era === 'modern' && canBeAsked(ctx),
            closing: closing.signal,
          },
          ctx,
        )
      })
    }
    if (taskKeys.length > 0) {
      serveTasks(server, { runs: runtime.runs, principal, agentKeys: new Set(taskKeys), keptMs })
    }
    return server
  })

  async function authenticated(request: Request) {
    try {
      return await authenticate(request)
    } catch (error) {
      if (error instanceof AgentRuntimeError && error.code === 'unauthorized') return null
      throw error
    }
  }

  async function serve(request: Request): Promise<Response> {
    const refused =
      hostHeaderValidationResponse(request, [...hostnames]) ?? originValidationResponse(request, [...origins])
    if (refused !== undefined) return refused
    await runtime.start()
    const caller = await authenticated(request)
    if (!caller)
      return new Response('Unauthorized', { status: 401, headers: { 'www-authenticate': 'Bearer' } })
    // The SDK hands this on as it is. The token stays with `authenticate`.
    const extra = { principal: parsePrincipal(caller) }
    return handler.fetch(request, {
      authInfo: { token: '', clientId: extra.principal.id, scopes: [], extra },
    })
  }

  return Object.assign(serve, {
    close() {
      closing.abort()
      return handler.close()
    },
  })
}

const DAY_MS = 86_400_000

const Message = { type: 'string', description: 'What to say to the agent' } as const

function toTool({ agents }: ServedRuntime, agentKey: string) {
  const agent = agents.find(({ key }) => key === agentKey)
  if (agent === undefined) throw new TypeError(`There is no agent "${agentKey}".`)
  const params = agent.params === undefined ? undefined : paramsOf(agentKey, agent.params)
  const mayLeaveOut = agent.params === undefined || z.safeParse(agent.params, {}).success
  return {
    agentKey,
    toolName: agentKey,
    description: agent.description ?? `The agent ${agentKey}.`,
    inputSchema: fromJsonSchema({
      type: 'object',
      properties: { message: Message, ...(params === undefined ? {} : { params }) },
      required: mayLeaveOut ? [] : ['params'],
    }),
  }
}

function paramsOf(agentKey: string, schema: Schema): Record<string, unknown> {
  try {
    const { $schema: _, ...written } = z.toJSONSchema(schema, { io: 'input' })
    return written
  } catch (cause) {
    throw new TypeError(`The params of agent "${agentKey}" can't be written as JSON Schema.`, { cause })
  }
}
