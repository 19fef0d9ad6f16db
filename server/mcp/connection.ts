import { Client, ProtocolError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import type { CallToolResult, Tool } from '@modelcontextprotocol/client'
import type { ToolContext } from '../agent/define-tool.ts'
import type { Json } from '../contract/json.ts'
import { elicit } from './elicit.ts'

/** Where an MCP server is: at an address, or a command that is started. */
export type McpServer =
  | {
      /** Of its streamable HTTP endpoint. */
      url: string | URL
      fetch?: typeof globalThis.fetch
    }
  | {
      /** Is started, and spoken to over its standard input and output. */
      command: string
      args?: string[]
      /** Default: what is safe to hand on of this process's (`PATH`, `HOME`, …). */
      env?: Record<string, string>
      cwd?: string
    }

/** What a call on its way uses of the run. */
export type CallContext = Pick<ToolContext, 'signal' | 'report' | 'ask' | 'idempotencyKey'>

/** What an SDK's timer can hold: the tool's own `timeoutMs` and the run's are what counts. */
const NO_TIMEOUT_MS = 2_147_483_647
const CONNECT_TIMEOUT_MS = 30_000
const LIST_TIMEOUT_MS = 30_000
const LOG_LEVEL = 'io.modelcontextprotocol/logLevel'
const IDEMPOTENCY_KEY = 'trpc-agent-runtime/idempotencyKey'

/** One connection. It takes a call at a time, so that what the server asks and tells meanwhile is about that call. */
export class McpConnection {
  readonly #client: Client
  readonly #onChanged: () => void
  #call: CallContext | undefined
  #progressToken = 0
  #isOpen = true
  #kill: (() => void) | undefined

  private constructor(onChanged: () => void) {
    this.#onChanged = onChanged
    this.#client = new Client(
      { name: 'trpc-agent-runtime', version: '1' },
      {
        // What a person leaves out of a form is what the form says it is.
        capabilities: { elicitation: { form: { applyDefaults: true } } },
        versionNegotiation: { mode: 'auto' },
        listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged } },
      },
    )
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- It is no EventTarget.
    this.#client.onclose = () => this.#ended()
    this.#client.setRequestHandler('elicitation/create', (request) => elicit(this.#call, request.params))
    // The SDK's own callback misses what comes together with the result.
    this.#client.setNotificationHandler(
      'notifications/progress',
      ({ params: { progressToken, ...progress } }) => {
        if (progressToken !== this.#progressToken) return
        delete progress._meta
        void this.#call?.report(progress)
      },
    )
    this.#client.setNotificationHandler('notifications/message', ({ params: { level, logger, data } }) => {
      const log = { level, data: (data ?? null) as Json, ...(logger === undefined ? {} : { logger }) }
      void this.#call?.report({ log })
    })
  }

  static async open(
    server: McpServer,
    headers: Record<string, string>,
    onChanged: () => void,
  ): Promise<McpConnection> {
    const connection = new McpConnection(onChanged)
    await connection.#open(server, headers)
    return connection
  }

  async #open(server: McpServer, headers: Record<string, string>): Promise<void> {
    const options = { timeout: CONNECT_TIMEOUT_MS }
    if ('url' in server) {
      const { url, fetch } = server
      const given = { requestInit: { headers }, ...(fetch === undefined ? {} : { fetch }) }
      await this.#client.connect(new StreamableHTTPClientTransport(new URL(url), given), options)
      return
    }
    const transport = new StdioClientTransport({ ...server, stderr: 'ignore' })
    await this.#client.connect(transport, options)
    const { pid } = transport
    // Should this process end without a word, so does its child.
    this.#kill = () => {
      if (pid !== null && this.#isOpen) process.kill(pid)
    }
    process.once('exit', this.#kill)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  async list(): Promise<Tool[]> {
    try {
      return (await this.#client.listTools(undefined, { timeout: LIST_TIMEOUT_MS, cacheMode: 'bypass' }))
        .tools
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async call(tool: Tool, input: Record<string, unknown>, ctx: CallContext): Promise<CallToolResult> {
    this.#call = ctx
    this.#progressToken += 1
    try {
      return await this.#client.callTool(
        {
          name: tool.name,
          arguments: input,
          _meta: {
            progressToken: this.#progressToken,
            [LOG_LEVEL]: 'info',
            [IDEMPOTENCY_KEY]: ctx.idempotencyKey,
          },
        },
        {
          signal: ctx.signal,
          timeout: NO_TIMEOUT_MS,
          toolDefinition: tool,
        },
      )
    } catch (error) {
      // What is wrong with a connection must not meet the next call, nor what the server still tells and asks for a call that was left.
      if (ctx.signal.aborted || !(error instanceof ProtocolError)) await this.close()
      throw error
    } finally {
      this.#call = undefined
    }
  }

  /** Never rejects. */
  async close(): Promise<void> {
    await this.#client.close().catch(() => {})
    this.#ended()
  }

  #ended(): void {
    this.#isOpen = false
    if (this.#kill !== undefined) process.off('exit', this.#kill)
    // Nobody tells of changes any more.
    this.#onChanged()
  }
}
