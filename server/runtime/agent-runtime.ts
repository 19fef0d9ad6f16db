import type { AnyAgent } from '../agent/agent.ts'
import type { AgentRouter } from '../api/router.ts'
import type { Handler } from '../api/handler.ts'
import type { NodeHandler } from '../api/node-handler.ts'
import type { Authenticate } from '../api/authenticate.ts'
import type { HandleUpgrade } from '../api/socket/upgrade.ts'
import type { Config, Settings } from '../config/config.ts'
import type { Prices } from '../config/prices.ts'
import type { AgentShape, HasAgents } from '../contract/agent-shape.ts'
import type { ConversationTitle } from '../worker/conversation-titles.ts'
import type { Authorize, BriefAuthorize } from '../domain/authorize.ts'
import type { Conversations } from '../domain/conversations.ts'
import type { Erase } from '../domain/erase.ts'
import type { UploadedFiles } from '../domain/files.ts'
import type { Health } from '../domain/health.ts'
import type { Limits } from '../domain/limits.ts'
import type { Quota } from '../domain/quota.ts'
import type { Retention } from '../domain/retention-rule.ts'
import type { Runs } from '../domain/runs.ts'
import type { Memories } from '../domain/memories.ts'
import type { Schedules } from '../domain/stored-schedules.ts'
import type { AnonymousSessions, Sessions } from '../domain/sessions.ts'
import type { Webhooks } from '../domain/webhooks.ts'
import type { WebhookEndpoint } from '../ports/webhooks.ts'
import type { Model } from '../ports/model.ts'
import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { Tracer } from '../ports/tracer.ts'
import type { Isolation } from '../worker/isolated-runs.ts'
import type { IsolatedRun, StopOptions } from '../worker/worker.ts'

export interface RuntimeOptions<TAgents extends readonly AnyAgent[]> {
  agents: TAgents
  /** Settings that differ from environment and defaults. */
  config?: Settings
  /** What `ctx.llm` is. Default: chosen by `modelProvider`, else by the API key that is set. */
  model?: Model
  /**
   * Providers of your own for `ctx.llm('provider/model')`: a model, or what makes one by its name.
   *
   * @example
   * models: { kimi: (model) => createOpenAIModel({ model, baseURL: 'https://api.moonshot.ai/v1', apiKey }) }
   */
  models?: Record<string, Model | ((name: string) => Model)>
  /**
   * What models cost: in `usage` events, a run's `usage` and budgets of `cost`. It takes the place of the table `PRICES`, whose figures are of
   * November 2026.
   *
   * @example
   * prices: { ...PRICES, 'kimi/kimi-k3': { input: 0.6, output: 2.5 } }
   */
  prices?: Prices
  /**
   * Tells who a request is from. Default: every caller is one and the same `public` principal, who
   * sees everything: fit for development and for servers that only trusted callers reach. With `anonymousSessions`,
   * the default is that nobody has signed in.
   */
  authenticate?: Authenticate
  /**
   * Lets in visitors without an account, by a token that is theirs alone, who may sign up later and keep what they have.
   * Default: false.
   *
   * @example
   * createAgentRuntime({ agents, anonymousSessions: true })
   */
  anonymousSessions?: boolean | AnonymousSessions
  /**
   * Tells what a caller may do: see, cancel and answer what others own, for one. Default: owners may, and nobody else, and
   * anonymous callers see `user` events only.
   *
   * @example
   * authorize(...asked) {
   *   const [principal, action] = asked
   *   return action === 'read' && principal.claims?.['role'] === 'support' ? 'tenant' : ownersOnly(...asked)
   * }
   */
  authorize?: Authorize | BriefAuthorize
  /**
   * Tells what a caller may ask of a run: attempts, time, priority, roles of messages. Default: 10 attempts, a day, any
   * priority and any role, but for anonymous callers no priority above 0 and messages of `user` only.
   */
  limits?: Limits
  /** Tells whether a caller may create another run now. Default: everybody may. */
  quota?: Quota
  /**
   * Tells how many days after its end a run is deleted, by its tenant and its agent: null for never, undefined for the default. Default: the
   * agent's `retentionDays`, else the setting.
   *
   * @example
   * retention: ({ tenantId, agentKey }) => (tenantId === 'bank' ? null : agentKey === 'search' ? 7 : undefined)
   */
  retention?: Retention
  /**
   * Makes the title of a conversation, after the first of its runs that ended well, in the worker: runs don't wait for it. It is asked
   * once, by one of all workers, and has a minute. A title that a caller has given stays. What it throws, or answers that is no title,
   * is logged, and the title stays what the user said first. Default: that it is.
   *
   * @example
   * conversationTitle: async ({ messages, model, signal }) => nameOf(messages, model, signal)
   */
  conversationTitle?: ConversationTitle
  /** Where runs are traced to: `openTelemetry()` of `trpc-agent-runtime/opentelemetry`, for one. Default: nowhere. */
  tracer?: Tracer
  /** Where measurements go: `prometheus()` of `trpc-agent-runtime/prometheus`, for one. Default: nowhere. */
  metrics?: Metrics
  /**
   * Whom to tell of runs that end or wait. Default: what another version of the application has said last; an empty list for nobody.
   *
   * @example
   * webhooks: [{ name: 'crm', url: 'https://crm.example.com/hooks', secrets: [process.env['CRM_WEBHOOK_SECRET'] ?? ''] }]
   */
  webhooks?: readonly WebhookEndpoint[]
  /** Default: pino on standard error, level `LOG_LEVEL` or `info`, as JSON unless `LOG_FORMAT` is `pretty`. */
  logger?: Logger
}

export interface WorkerOptions<TKey extends string = string> {
  /** Runs executed at once. Default: the configuration's `concurrency`. */
  concurrency?: number
  /** Only these agents. Default: all. */
  agentKeys?: readonly TKey[]
  /** Default: the configuration's `queuePollIntervalSeconds`. */
  pollIntervalSeconds?: number
  /** Starts processes for runs that need one of their own; the command line's workers bring it. Default: none. */
  isolation?: Isolation
  /** In a process that `isolation` started: executes one such run. */
  isolated?: IsolatedRun
}

/** Executes runs in this process. */
export interface Worker {
  /** Whether it takes runs, or would if there were any: not so once it stops. */
  readonly isTaking: boolean
  /** Takes no more runs, gives those under way time to end, and hands back the rest. */
  stop(options?: StopOptions): Promise<void>
}

export interface AgentRuntime<TShape extends AgentShape = AgentShape> extends HasAgents<TShape> {
  readonly agents: readonly AnyAgent[]
  readonly config: Config
  /** Whether it asks who is calling: it was given `authenticate` or `anonymousSessions`. */
  readonly isAuthenticating: boolean
  readonly hasAnonymousSessions: boolean
  /** The model agents find in `ctx.llm`. @throws ConfigError when it is configured without its key. */
  readonly model: Model
  /** As it was given. */
  readonly metrics: Metrics | undefined
  /** For an app that has a tRPC router of its own: mount it anywhere; its context needs a `principal`. */
  readonly router: AgentRouter<TShape>
  /**
   * The whole HTTP face as a fetch handler: REST/SSE, tRPC, `/healthz`, `/readyz`. Starts by itself. A request does not tell the
   * address that it came from: where there are anonymous sessions, hand over a {@link Connection} too.
   *
   * @example
   * Deno.serve((request, { remoteAddr }) => runtime.handler(request, { remoteAddress: remoteAddr.hostname }))
   */
  readonly handler: Handler
  /**
   * The same for servers that speak Node's own HTTP: plain Node, Express, Fastify, Nest. Given `next`, it leaves to it what is
   * not under `restPath`, `trpcPath`, `/healthz` or `/readyz`. A body that was parsed before is taken as it was parsed.
   *
   * @example
   * express().use(runtime.nodeHandler)
   * @example
   * createServer(runtime.nodeHandler)
   */
  readonly nodeHandler: NodeHandler
  /**
   * tRPC over WebSocket, for a Node HTTP server's `upgrade`: takes connections to `trpcPath`, and answers
   * false, having left them alone, for others. Without it clients stream over SSE.
   *
   * @example
   * server.on('upgrade', (request, socket, head) => {
   *   if (!runtime.handleUpgrade(request, socket, head)) socket.destroy()
   * })
   */
  readonly handleUpgrade: HandleUpgrade
  /** The use cases, for code on the server. */
  readonly runs: Runs
  readonly conversations: Conversations
  readonly files: UploadedFiles
  /** Those that callers made, not those in agents' code. */
  readonly schedules: Schedules
  /** What agents remember. */
  readonly memories: Memories
  readonly sessions: Sessions
  readonly webhooks: Webhooks
  /** Deletes all of a principal or a tenant, for code on the server. */
  readonly erase: Erase
  /**
   * Tells how many days after its end a run is kept, by `retention`, its agent and the setting; null: for good.
   *
   * @example
   * const days = await runtime.keptDays({ tenantId: 'acme', agentKey: 'chat' })
   */
  keptDays(of: { tenantId: string; agentKey: string | null }): Promise<number | null>
  /** Tells how this process is, as `GET /readyz` does. Rejects when the database can't be reached. */
  health(): Promise<Health>
  /** Connects. @throws StartupError with one sentence on what is wrong. */
  start(): Promise<void>
  /** Starts executing runs in this process. */
  startWorker(options?: WorkerOptions<TShape['key']>): Promise<Worker>
  /** Ends streams and workers, then connections. */
  stop(): Promise<void>
}
