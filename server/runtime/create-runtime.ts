// The composition root: the only file that picks adapters.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AnyAgent, ShapeOfAgent } from '../agent/define-agent.ts'
import type { AgentRuntime, RuntimeOptions } from './agent-runtime.ts'
import { agentsByKey } from '../agent/agents-by-key.ts'
import { createBossTimetable } from '../postgres/queue/timetable.ts'
import { gatherStatistics } from '../postgres/statistics.ts'
import { createPgPresence } from '../postgres/presence.ts'
import { createLogger } from '../telemetry/pino-logger.ts'
import { toStartupError } from '../postgres/connections/database-error.ts'
import { createPostgresPool } from '../postgres/connections/pool.ts'
import { createPostgresStore } from '../postgres/store.ts'
import { systemClock } from '../ports/system-clock.ts'
import { createIdentify } from '../api/identify.ts'
import { createRouter } from '../api/router.ts'
import { ConfigError, environmentWarnings, resolveConfig } from '../config/config.ts'
import { PUBLIC_PRINCIPAL } from '../contract/principal.ts'
import { createConversations } from '../domain/conversations.ts'
import { createCheckLimits } from '../domain/limits.ts'
import { createRunEvents } from '../domain/run-events.ts'
import { runRetention } from '../domain/retention.ts'
import { createRuns } from '../domain/runs.ts'
import { checkSchedules, runSchedules } from '../domain/schedules.ts'
import { unlessAway } from '../domain/unless-away.ts'
import { runUpkeep } from '../domain/upkeep.ts'
import { createAnnounce } from '../events/announce.ts'
import { createEventHub } from '../events/hub.ts'
import { createVisibilityOf } from '../events/visibility.ts'
import { assertKnownOptions } from './known-options.ts'
import { chooseModel } from '../models/choose-model.ts'
import type { Model } from '../ports/model.ts'
import { loadRegistry } from '../agent/registry.ts'
import { retryPolicyOf } from '../lifecycle/backoff.ts'
import { StartupError } from '../ports/startup-error.ts'
import type { Worker } from '../worker/worker.ts'
import { createBus } from './create-bus.ts'
import { createQueue } from './create-queue.ts'
import { createTransports } from './create-transports.ts'
import { prepareModel } from './prepare-model.ts'
import { createWorker } from './create-worker.ts'

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
  assertKnownOptions(options)
  const agents = new Map(agentsByKey(options.agents))
  const log = options.logger ?? createLogger()
  const clock = systemClock
  const stopping = new AbortController()
  const databaseUrl = config.databaseUrl ?? ''

  const pool = createPostgresPool({
    databaseUrl,
    size: config.databasePoolSize,
    connectTimeoutMs: config.databaseConnectTimeoutSeconds * 1000,
    preparedStatements: config.preparedStatements,
    log,
  })
  const visibilityOf = createVisibilityOf(config.eventVisibility)
  const timetable = createBossTimetable({ pool, log })
  let schedules = checkSchedules(agents, timetable, clock.now())
  const presence = createPgPresence({ databaseUrl: config.directUrl ?? databaseUrl, clock, log })
  const bus = createBus(config, { pool, clock, log })
  const retryPolicy = retryPolicyOf(config.retryDelaySeconds * 1000)
  const onDelivered = createAnnounce(bus, clock)
  const { queue, deliveries, runRedelivery } = createQueue(config, {
    pool,
    clock,
    log,
    onDelivered,
    stopping: stopping.signal,
  })
  const store = createPostgresStore({ pool, visibilityOf, retryPolicy, deliveries })

  const pollIntervalMs = config.streamPollIntervalSeconds * 1000
  const hub = createEventHub({ store, bus, clock, pollIntervalMs })
  const runs = createRuns(
    { store, bus, log },
    {
      agents,
      checkLimits: createCheckLimits(options.limits),
      maxAttempts: config.maxAttempts,
      maxWaitingRuns: config.maxWaitingRuns,
      runTimeoutMs: Math.round(config.runTimeoutSeconds * 1000),
    },
    createRunEvents(
      { store, hub, log },
      {
        debugMode: config.debugMode,
        authorizeEvents: options.authorizeEvents ?? (({ kind }) => kind !== 'anonymous'),
      },
    ),
  )
  const conversations = createConversations(store, agents)
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
  let redelivery: Promise<void> | undefined
  let scheduling: Promise<void> | undefined
  let retention: Promise<void> | undefined
  let gathering: Promise<void> | undefined
  let started: Promise<void> | undefined
  let stopped: Promise<void> | undefined
  const start = () => (stopped === undefined ? (started ??= connect()) : Promise.reject(wasStopped()))

  /** Once, though connecting may be tried again. */
  const discover = async () => {
    for (const warning of environmentWarnings()) log.warn({}, warning)
    if (config.registry.length === 0) return
    const found = await loadRegistry(config.registry)
    for (const [key, agent] of agentsByKey([...options.agents, ...found])) agents.set(key, agent)
    schedules = checkSchedules(agents, timetable, clock.now())
  }
  let discovered: Promise<void> | undefined

  async function connect(): Promise<void> {
    try {
      await (discovered ??= discover())
      if (config.databaseUrl === undefined) {
        throw new ConfigError('DATABASE_URL is not set: the runtime needs a PostgreSQL database.')
      }
      await store.check()
      await queue.start([...agents.keys()])
      const since = await timetable.publish([...agents.keys()], schedules)
      await bus.start()
      upkeep ??= runUpkeep(
        { store, bus, clock, log, random: Math.random },
        { intervalMs: UPKEEP_INTERVAL_MS, signal: stopping.signal },
      )
      redelivery ??= runRedelivery([...agents.keys()])
      scheduling ??= runSchedules(
        { runs, timetable, clock, log },
        { schedules, since, signal: stopping.signal },
      )
      gathering ??= gatherStatistics({ pool, clock, log }, stopping.signal)
      retention ??= runRetention(
        { store, clock, log, random: Math.random },
        {
          compactAfterMs: config.compactAfterSeconds && config.compactAfterSeconds * 1000,
          deleteAfterMs: config.retentionDays && config.retentionDays * 86_400_000,
        },
        { intervalMs: RETENTION_INTERVAL_MS, signal: stopping.signal },
      )
    } catch (error) {
      // The next call tries again: a database may come up later than its clients.
      started = undefined
      throw toStartupError(error, databaseUrl)
    }
  }

  const identify = createIdentify({
    authenticate: options.authenticate ?? (() => PUBLIC_PRINCIPAL),
    start,
    timeoutMs: config.authenticateTimeoutSeconds * 1000,
    log,
  })
  const { handler, sockets } = createTransports(
    { services, router, identify, clock },
    {
      config,
      // Where nobody has to say who they are, all are the same one.
      socketsPerPrincipal: options.authenticate === undefined ? Infinity : config.socketsPerPrincipal,
      checkReady: async () => {
        await start()
        await store.check()
      },
    },
  )

  const workers = new Set<Worker>()

  const stop = () => (stopped ??= disconnect())

  async function disconnect(): Promise<void> {
    stopping.abort()
    hub.close()
    await Promise.all([sockets.close(), ...[...workers].map((worker) => worker.stop())])
    if (!(await unlessAway({ store, clock }, close()))) pool.abandon()
  }

  async function close(): Promise<void> {
    // One that fails has told whoever asked for it.
    await started?.catch(() => {})
    await Promise.all([upkeep, redelivery, scheduling, retention, gathering])
    await queue.stop()
    await bus.stop()
    await store.close()
    await pool.end()
  }

  return {
    // Carried in the type alone.
    $agents: undefined as unknown as Shape,
    get agents() {
      return [...agents.values()]
    },
    config,
    isAuthenticating: options.authenticate !== undefined,
    get model() {
      return getModel()
    },
    router,
    runs,
    conversations,
    start,
    handler,
    handleUpgrade: (request, socket, head) =>
      sockets.handleUpgrade(request as IncomingMessage, socket as Duplex, head as Buffer),

    async startWorker(workerOptions = {}) {
      await start()
      if (stopped !== undefined) throw wasStopped()
      const llm = getModel()
      const isDemanded = options.model !== undefined || config.modelProvider !== undefined
      await prepareModel(llm, { isDemanded, log })
      const ports = { store, queue, bus, clock, log, llm, visibilityOf, presence, retryPolicy }
      const worker = createWorker(ports, { config, agents, options: workerOptions })
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
const RETENTION_INTERVAL_MS = 60_000

function wasStopped(): StartupError {
  return new StartupError('The runtime was stopped: make another one to go on.')
}
