// The composition root: the only file that picks adapters.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Pool } from 'pg'
import type { AnyAgent, ShapeOfAgent } from './agent/define-agent.ts'
import { createBossQueue } from './adapters/boss-queue/index.ts'
import { createBossTimetable } from './adapters/boss-queue/timetable.ts'
import { createLocalBus } from './adapters/local-bus.ts'
import { createPgBus } from './adapters/pg-bus.ts'
import { createPgPresence } from './adapters/pg-presence.ts'
import { createLogger } from './adapters/pino-logger.ts'
import { createPostgresPool, toStartupError } from './adapters/postgres-pool.ts'
import { createPrismaStore } from './adapters/prisma-store/index.ts'
import { createRedisBus } from './adapters/redis-bus/index.ts'
import { systemClock } from './adapters/system-clock.ts'
import { createHandler } from './api/handler.ts'
import { createIdentify } from './api/identify.ts'
import { createRouter } from './api/router.ts'
import type { AgentRouter } from './api/router.ts'
import type { Authenticate } from './api/services.ts'
import { createSocketServer } from './api/socket/socket-server.ts'
import type { HandleUpgrade } from './api/socket/upgrade.ts'
import type { Config, Settings } from './config.ts'
import { ConfigError, resolveConfig } from './config.ts'
import type { AgentShape, HasAgents } from './contract/agent-shape.ts'
import { PUBLIC_PRINCIPAL } from './contract/principal.ts'
import { createConversations } from './domain/conversations.ts'
import type { Conversations } from './domain/conversations.ts'
import { createRunEvents } from './domain/run-events.ts'
import type { AuthorizeEvents } from './domain/run-events.ts'
import { keepTidy } from './domain/retention.ts'
import { createRuns } from './domain/runs.ts'
import type { Runs } from './domain/runs.ts'
import { checkSchedules, keepSchedules } from './domain/schedules.ts'
import { keepUp } from './domain/upkeep.ts'
import { createEventHub } from './events/hub.ts'
import { createVisibilityOf } from './events/visibility.ts'
import { chooseModel } from './llm/choose-model.ts'
import type { Model } from './llm/model.ts'
import type { Clock } from './ports/clock.ts'
import type { EventBus } from './ports/event-bus.ts'
import type { Logger } from './ports/logger.ts'
import { DEFAULT_RETRY_POLICY } from './worker/retry.ts'
import { StartupError } from './startup-error.ts'
import { Worker } from './worker/worker.ts'

export interface RuntimeOptions<TAgents extends readonly AnyAgent[]> {
  agents: TAgents
  /** Settings that differ from environment and defaults. */
  config?: Settings
  /** What `ctx.llm` is. Default: chosen by `modelProvider`, else by the API key that is set. */
  model?: Model
  /**
   * Tells who a request is from. Default: every caller is one and the same `public` principal, who
   * sees everything: fit for development and for servers that only trusted callers reach.
   */
  authenticate?: Authenticate
  /**
   * Tells who may see more than `user` events of their runs. Default: everybody but anonymous sessions.
   *
   * @example
   * authorizeEvents: (principal, { includeAll }) => isStaff(principal.id) || !includeAll
   */
  authorizeEvents?: AuthorizeEvents
  /** Default: pino on standard error, level `LOG_LEVEL` or `info`, as JSON unless `LOG_FORMAT` is `pretty`. */
  logger?: Logger
}

export interface WorkerOptions {
  /** Runs executed at once. Default: the configuration's `concurrency`. */
  concurrency?: number
  /** Only these agents. Default: all. */
  agentKeys?: readonly string[]
  /** Default: the configuration's `queuePollIntervalSeconds`. */
  pollIntervalSeconds?: number
}

export interface AgentRuntime<TShape extends AgentShape = AgentShape> extends HasAgents<TShape> {
  readonly agents: readonly AnyAgent[]
  readonly config: Config
  /** The model agents find in `ctx.llm`. @throws ConfigError when it is configured without its key. */
  readonly model: Model
  /** For an app that has a tRPC router of its own: mount it anywhere; its context needs a `principal`. */
  readonly router: AgentRouter<TShape>
  /** The whole HTTP face as a fetch handler: REST/SSE, tRPC, `/healthz`, `/readyz`. Starts by itself. */
  readonly handler: (request: Request) => Promise<Response>
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
  /** Connects. @throws StartupError with one sentence on what is wrong. */
  start(): Promise<void>
  /** Starts executing runs in this process. */
  startWorker(options?: WorkerOptions): Promise<Worker>
  /** Ends streams and workers, then connections. */
  stop(): Promise<void>
}

/**
 * Puts a runtime together. Nothing connects before `start`, a request, or `startWorker`.
 *
 * @throws ConfigError when a setting is malformed, two agents have one key, or a schedule can't be kept.
 * @example
 * export const runtime = createAgentRuntime({ agents: [chat] })
 * export default runtime
 */
export function createAgentRuntime<const TAgents extends readonly AnyAgent[]>(
  options: RuntimeOptions<TAgents>,
): AgentRuntime<ShapeOfAgent<TAgents[number]>> {
  type Shape = ShapeOfAgent<TAgents[number]>
  const config = resolveConfig(options.config)
  const agents = byKey(options.agents)
  const log = options.logger ?? createLogger()
  const clock = systemClock
  const databaseUrl = config.databaseUrl ?? ''

  const pool = createPostgresPool({
    databaseUrl,
    size: config.databasePoolSize,
    connectTimeoutMs: config.databaseConnectTimeoutSeconds * 1000,
    preparedStatements: config.preparedStatements,
    log,
  })
  const visibilityOf = createVisibilityOf(config.eventVisibility)
  const store = createPrismaStore({ pool, visibilityOf })
  const queue = createBossQueue({ pool, log })
  const timetable = createBossTimetable({ pool, log })
  const schedules = checkSchedules(agents, timetable, clock.now())
  const presence = createPgPresence({ databaseUrl: config.directUrl ?? databaseUrl, clock, log })
  const bus = createBus(config, { pool, clock, log })

  const hub = createEventHub({
    store,
    bus,
    clock,
    pollIntervalMs: config.streamPollIntervalSeconds * 1000,
  })
  const runs = createRuns(
    { store, queue, bus, log },
    {
      agents,
      maxAttempts: config.maxAttempts,
      runTimeoutMs: Math.round(config.runTimeoutSeconds * 1000),
    },
    createRunEvents(
      { store, hub },
      {
        debugMode: config.debugMode,
        authorizeEvents: options.authorizeEvents ?? (({ kind }) => kind !== 'anonymous'),
      },
    ),
  )
  const conversations = createConversations(store, new Set(agents.keys()))
  const stopping = new AbortController()
  const services = {
    runs,
    conversations,
    log,
    stopping: stopping.signal,
    streamKeepAliveMs: config.streamKeepAliveSeconds * 1000,
  }
  const router = createRouter<Shape>(services)

  let model: Model | undefined = options.model
  const getModel = () => (model ??= chooseModel(config))

  let upkeep: Promise<void> | undefined
  let scheduling: Promise<void> | undefined
  let tidying: Promise<void> | undefined
  let started: Promise<void> | undefined
  let stopped: Promise<void> | undefined
  const start = () => (stopped === undefined ? (started ??= connect()) : Promise.reject(wasStopped()))

  async function connect(): Promise<void> {
    try {
      if (config.databaseUrl === undefined) {
        throw new ConfigError('DATABASE_URL is not set: the runtime needs a PostgreSQL database.')
      }
      await store.check()
      await queue.start([...agents.keys()])
      const since = await timetable.publish([...agents.keys()], schedules)
      await bus.start()
      upkeep ??= keepUp(
        { store, queue, bus, clock, log, random: Math.random },
        { intervalMs: UPKEEP_INTERVAL_MS, signal: stopping.signal },
      )
      scheduling ??= keepSchedules(
        { runs, timetable, clock, log },
        { schedules, since, signal: stopping.signal },
      )
      tidying ??= keepTidy(
        { store, clock, log, random: Math.random },
        {
          compactAfterMs: config.compactAfterSeconds && config.compactAfterSeconds * 1000,
          deleteAfterMs: config.retentionDays && config.retentionDays * 86_400_000,
        },
        { intervalMs: TIDY_INTERVAL_MS, signal: stopping.signal },
      )
    } catch (error) {
      // The next call tries again: a database may come up later than its clients.
      started = undefined
      throw error instanceof StartupError ? error : toStartupError(error, databaseUrl)
    }
  }

  const identify = createIdentify({
    authenticate: options.authenticate ?? (() => PUBLIC_PRINCIPAL),
    start,
  })
  const sockets = createSocketServer({
    router,
    identify,
    trpcPath: config.trpcPath,
    allowedOrigins: config.allowedOrigins,
    maxBodyBytes: config.maxBodyBytes,
    keepAliveMs: config.streamKeepAliveSeconds * 1000,
  })

  const workers = new Set<Worker>()

  const stop = () => (stopped ??= disconnect())

  async function disconnect(): Promise<void> {
    stopping.abort()
    hub.close()
    await Promise.all([sockets.close(), ...[...workers].map((worker) => worker.stop())])
    // One that fails has told whoever asked for it.
    await started?.catch(() => {})
    await Promise.all([upkeep, scheduling, tidying])
    await queue.stop()
    await bus.stop()
    await store.close()
    await pool.end()
  }

  return {
    // Carried in the type alone.
    $agents: undefined as unknown as Shape,
    agents: options.agents,
    config,
    get model() {
      return getModel()
    },
    router,
    runs,
    conversations,
    start,
    handler: createHandler({
      services,
      router,
      identify,
      checkReady: async () => {
        await start()
        await store.check()
      },
      maxBodyBytes: config.maxBodyBytes,
      restPath: config.restPath,
      trpcPath: config.trpcPath,
    }),
    handleUpgrade: (request, socket, head) =>
      sockets.handleUpgrade(request as IncomingMessage, socket as Duplex, head as Buffer),

    async startWorker(workerOptions = {}) {
      await start()
      if (stopped !== undefined) throw wasStopped()
      const worker = new Worker(
        {
          store,
          queue,
          bus,
          clock,
          log,
          llm: getModel(),
          visibilityOf,
          cancelGraceMs: config.cancelGraceSeconds * 1000,
          presence,
          retryPolicy: { ...DEFAULT_RETRY_POLICY, delayMs: config.retryDelaySeconds * 1000 },
          random: Math.random,
        },
        {
          agents: chosen(agents, workerOptions.agentKeys),
          concurrency: workerOptions.concurrency ?? config.concurrency,
          pollIntervalMs: (workerOptions.pollIntervalSeconds ?? config.queuePollIntervalSeconds) * 1000,
          leaseTtlMs: config.leaseTtlSeconds * 1000,
        },
      )
      // Known before it has started, so that a stop in between stops it too.
      workers.add(worker)
      await worker.start()
      if (stopped !== undefined) throw wasStopped()
      return worker
    },

    stop,
  }
}

/** Between looks for lost workers: what a killed worker's runs wait, twice. */
const UPKEEP_INTERVAL_MS = 500

/** Between looks for what is old: nothing anybody waits for. */
const TIDY_INTERVAL_MS = 60_000

function createBus(
  { eventBusBackend, redisUrl, databaseUrl = '', directUrl }: Config,
  ports: { pool: Pool; clock: Clock; log: Logger },
): EventBus {
  switch (eventBusBackend) {
    case 'postgres':
      return createPgBus({ databaseUrl, directUrl, ...ports })
    case 'redis':
      return createRedisBus({ redisUrl, ...ports })
    case 'none':
      return createLocalBus(ports)
  }
}

function wasStopped(): StartupError {
  return new StartupError('The runtime was stopped: make another one to go on.')
}

function byKey(agents: readonly AnyAgent[]): ReadonlyMap<string, AnyAgent> {
  const map = new Map<string, AnyAgent>()
  for (const agent of agents) {
    if (map.has(agent.key)) {
      throw new ConfigError(`Two agents have the key "${agent.key}". Give each agent a key of its own.`)
    }
    map.set(agent.key, agent)
  }
  return map
}

function chosen(
  agents: ReadonlyMap<string, AnyAgent>,
  keys: readonly string[] | undefined,
): ReadonlyMap<string, AnyAgent> {
  if (keys === undefined) return agents
  const unknown = keys.filter((key) => !agents.has(key))
  if (unknown.length > 0) {
    throw new ConfigError(
      `There is no agent "${unknown.join('", "')}". Known: ${[...agents.keys()].join(', ')}.`,
    )
  }
  return new Map([...agents].filter(([key]) => keys.includes(key)))
}
