// The composition root: the only file that picks adapters.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AnyAgent, ShapeOfAgent } from '../agent/define-agent.ts'
import type { AgentRuntime, RuntimeOptions } from './agent-runtime.ts'
import { agentsByKey } from '../agent/agents-by-key.ts'
import { createBossTimetable } from '../postgres/queue/timetable.ts'
import { createPgPresence } from '../postgres/presence.ts'
import { createLogger } from '../telemetry/pino-logger.ts'
import { toStartupError } from '../postgres/connections/database-error.ts'
import { createPostgresPool } from '../postgres/connections/pool.ts'
import { createPostgresStore } from '../postgres/store.ts'
import { systemClock } from '../ports/system-clock.ts'
import { createIdentify } from '../api/identify.ts'
import { createRouter } from '../api/router.ts'
import { resolveConfig } from '../config/config.ts'
import { PUBLIC_PRINCIPAL } from '../contract/principal.ts'
import { createAccess } from '../domain/access.ts'
import { createConversations } from '../domain/conversations.ts'
import { createLetIn } from '../domain/let-in.ts'
import { createCheckLimits } from '../domain/limits.ts'
import { createCheckQuota } from '../domain/quota.ts'
import { createRunEvents } from '../domain/run-events.ts'
import { createRuns } from '../domain/runs.ts'
import { createSessions } from '../domain/sessions.ts'
import type { SessionRequest } from '../domain/sessions.ts'
import { checkSchedules } from '../domain/schedules.ts'
import { createTickets } from '../domain/tickets.ts'
import { createTicketSigner } from '../auth/ticket-signer.ts'
import { unlessAway } from '../domain/unless-away.ts'
import { createAnnounce } from '../events/announce.ts'
import { createEventHub } from '../events/hub.ts'
import { createVisibilityOf } from '../events/visibility.ts'
import { assertKnownOptions } from './known-options.ts'
import { chooseModel } from '../models/choose-model.ts'
import type { Model } from '../ports/model.ts'
import { retryPolicyOf } from '../lifecycle/backoff.ts'
import { StartupError } from '../ports/startup-error.ts'
import type { Worker } from '../worker/worker.ts'
import { createBus } from './create-bus.ts'
import { createQueue } from './create-queue.ts'
import { createTransports } from './create-transports.ts'
import { prepareModel } from './prepare-model.ts'
import { createWorker } from './create-worker.ts'
import { partsInOrder } from './parts-in-order.ts'
import { createParts } from './start-stop.ts'

/**
 * Puts a runtime together. Nothing connects before `start`, a request, or `startWorker`.
 *
 * @throws ConfigError when a setting is malformed, two agents have one key, or a schedule can't be kept.
 * @example
 * export const runtime = createAgentRuntime({ agents: [chat] })
 * export default runtime
 */
// oxlint-disable-next-line max-lines-per-function -- Wiring alone: each line hands to the next part what those before made.
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
  const schedules = checkSchedules(agents, timetable, clock.now())
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
  const runsAtOnce = {
    principal: config.principalRunsAtOnce || null,
    tenant: config.tenantRunsAtOnce || null,
  }
  const store = createPostgresStore({ pool, visibilityOf, retryPolicy, runsAtOnce, deliveries })
  const letIn = createLetIn({ store, log }, runsAtOnce)

  const pollIntervalMs = config.streamPollIntervalSeconds * 1000
  const hub = createEventHub({ store, bus, clock, pollIntervalMs })
  const access = createAccess({
    authorize: options.authorize,
    timeoutMs: config.authorizeTimeoutSeconds * 1000,
    log,
  })
  const events = createRunEvents({ store, hub, access }, { debugMode: config.debugMode })
  const tickets = createTickets(createTicketSigner({ readKey: store.readSigningKey }), events)
  const runs = createRuns(
    { store, bus, letIn, access, log },
    {
      agents,
      runsAtOnce,
      checkLimits: createCheckLimits(options.limits, config, log),
      checkQuota:
        options.quota &&
        createCheckQuota(options.quota, { timeoutMs: config.quotaTimeoutSeconds * 1000, log }),
      maxAttempts: config.maxAttempts,
      maxWaitingRuns: config.maxWaitingRuns,
      runTimeoutMs: Math.round(config.runTimeoutSeconds * 1000),
    },
    { ...events, ticket: tickets.ticket },
  )
  const conversations = createConversations({ store, access }, agents)
  const anonymousSessions = options.anonymousSessions === true ? {} : (options.anonymousSessions ?? false)
  const hasSessions = anonymousSessions !== false
  const isAuthenticating = options.authenticate !== undefined || hasSessions
  const sessions = createSessions(
    { store, log },
    {
      lifetimeMs: Math.round(config.anonymousSessionDays * 86_400_000),
      isRenewing: config.anonymousSessionRenewal,
      perAddress: config.anonymousSessionsPerAddress,
      trustedProxies: config.trustedProxies,
    },
    anonymousSessions,
  )
  const services = {
    runs,
    conversations,
    tickets: { open: (ticket: string) => start().then(() => tickets.open(ticket)) },
    sessions: { ...sessions, create: (from?: SessionRequest) => start().then(() => sessions.create(from)) },
    log,
    stopping: stopping.signal,
    streamKeepAliveMs: config.streamKeepAliveSeconds * 1000,
  }
  const router = createRouter<Shape>(services)

  let model: Model | undefined = options.model
  const getModel = () => (model ??= chooseModel(config))

  const parts = createParts(
    partsInOrder(
      { pool, store, queue, runRedelivery, timetable, bus, runs, clock, log },
      { config, ownAgents: options.agents, agents, schedules, hasSessions, signal: stopping.signal },
    ),
  )
  let started: Promise<void> | undefined
  let stopped: Promise<void> | undefined
  const start = () => (stopped === undefined ? (started ??= connect()) : Promise.reject(wasStopped()))

  async function connect(): Promise<void> {
    try {
      await parts.start()
    } catch (error) {
      // The next call tries again: a database may come up later than its clients.
      started = undefined
      throw toStartupError(error, databaseUrl)
    }
  }

  const identify = createIdentify({
    authenticate: options.authenticate ?? (() => (hasSessions ? null : PUBLIC_PRINCIPAL)),
    findVisitor: hasSessions ? sessions.find : undefined,
    paths: config,
    start,
    timeoutMs: config.authenticateTimeoutSeconds * 1000,
    log,
  })
  const { handler, nodeHandler, sockets } = createTransports(
    { services, router, identify, clock },
    {
      config,
      sessionPath: hasSessions ? config.anonymousSessionPath : undefined,
      // Where nobody has to say who they are, all are the same one.
      socketsPerPrincipal: isAuthenticating ? config.socketsPerPrincipal : Infinity,
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
    await parts.stop()
  }

  return {
    // Carried in the type alone.
    $agents: undefined as unknown as Shape,
    get agents() {
      return [...agents.values()]
    },
    config,
    isAuthenticating,
    hasAnonymousSessions: hasSessions,
    get model() {
      return getModel()
    },
    router,
    runs,
    conversations,
    sessions,
    start,
    handler,
    nodeHandler,
    handleUpgrade: (request, socket, head) =>
      sockets.handleUpgrade(request as IncomingMessage, socket as Duplex, head as Buffer),

    async startWorker(workerOptions = {}) {
      await start()
      if (stopped !== undefined) throw wasStopped()
      const llm = getModel()
      const isDemanded = options.model !== undefined || config.modelProvider !== undefined
      await prepareModel(llm, { isDemanded, log })
      const ports = { store, queue, bus, letIn, clock, log, llm, visibilityOf, presence, retryPolicy }
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

function wasStopped(): StartupError {
  return new StartupError('The runtime was stopped: make another one to go on.')
}
