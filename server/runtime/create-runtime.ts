// The composition root. It is long, since each line of the wiring hands on what those before it made.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AnyAgent, ShapeOfAgent } from '../agent/agent.ts'
import type { AgentRuntime, RuntimeOptions } from './agent-runtime.ts'
import { harmlessMetrics } from '../telemetry/harmless-metrics.ts'
import { measuredStore } from '../telemetry/metrics/measured-store.ts'
import { measureLag } from '../telemetry/metrics/measure-lag.ts'
import { observeProcess } from '../telemetry/metrics/observe-process.ts'
import { createLogger } from '../telemetry/pino-logger.ts'
import { toStartupError } from '../postgres/connections/database-error.ts'
import type { SessionSettings } from '../postgres/connections/session-settings.ts'
import type { Clock } from '../ports/clock.ts'
import { systemClock } from '../ports/system-clock.ts'
import { createIdentify } from '../api/identify.ts'
import { createRouter } from '../api/router.ts'
import { PUBLIC_PRINCIPAL } from '../contract/principal.ts'
import type { SessionRequest } from '../domain/sessions.ts'
import { createRetentionRules } from '../domain/retention-rule.ts'
import { createReadHealth } from '../domain/health.ts'
import { checkSchedules } from '../domain/schedules.ts'
import { createWebhooks } from '../domain/webhooks.ts'
import { unlessAway } from '../domain/unless-away.ts'
import { createConversationHub } from '../events/conversation-hub.ts'
import { createEventHub } from '../events/hub.ts'
import { createVisibilityOf } from '../events/visibility.ts'
import { chooseModel } from '../models/choose-model.ts'
import { listModels } from '../models/list-models.ts'
import { createModelFinder } from '../models/find-model.ts'
import { createCostOf, createWindowOf } from '../models/prices.ts'
import type { Model } from '../ports/model.ts'
import { retryPolicyOf } from '../lifecycle/backoff.ts'
import type { Worker } from '../worker/worker.ts'
import { createAdapters } from './create-adapters.ts'
import { createLifetime } from './create-lifetime.ts'
import { createTransports } from './create-transports.ts'
import { createStartWorker } from './create-start-worker.ts'
import { createTracer } from './create-tracer.ts'
import { createUseCases } from './create-use-cases.ts'
import { partsInOrder } from './parts-in-order.ts'
import { readOptions } from './read-options.ts'
import { createParts } from './start-stop.ts'

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
  return assembleRuntime(options, { clock: systemClock })
}

/** The time that a runtime lives in: its own, and that of its sessions. */
interface Time {
  clock: Clock
  sessionSettings?: SessionSettings
}

/** The same in another time, for tests. */
// oxlint-disable-next-line max-lines-per-function -- Wiring alone: each line hands to the next part what those before made.
export function assembleRuntime<const TAgents extends readonly AnyAgent[]>(
  options: RuntimeOptions<TAgents>,
  { clock, sessionSettings }: Time,
): AgentRuntime<ShapeOfAgent<TAgents[number]>> {
  type Shape = ShapeOfAgent<TAgents[number]>
  const { config, prices, agents } = readOptions(options)
  const log = options.logger ?? createLogger()
  const metrics = options.metrics && harmlessMetrics(options.metrics, log, clock.now)
  const { tracer, part: tracing } = createTracer(options.tracer, config, { clock, log, metrics })
  const stopping = new AbortController()
  const visibilityOf = createVisibilityOf(config.eventVisibility)
  const retryPolicy = retryPolicyOf(config.retryDelaySeconds * 1000)
  const runsAtOnce = {
    principal: config.principalRunsAtOnce || null,
    tenant: config.tenantRunsAtOnce || null,
  }

  const webhookHosts = { hosts: config.webhookHosts, allowPrivate: config.webhookAllowPrivate }

  const signal = stopping.signal
  const adapters = createAdapters(config, {
    visibilityOf,
    retryPolicy,
    runsAtOnce,
    clock,
    sessionSettings,
    log,
    stopping: signal,
  })
  const { pool, timetable, presence, bus, queue, runRedelivery } = adapters
  const store = metrics === undefined ? adapters.store : measuredStore(adapters.store, metrics)
  const ownSchedules = checkSchedules(agents, timetable, clock.now())
  const pollIntervalMs = config.streamPollIntervalSeconds * 1000
  const onHeard = metrics && measureLag(metrics, clock)
  const hub = createEventHub({ store, bus, clock, pollIntervalMs, onHeard })
  const conversationHub = createConversationHub({ store, hub, bus, clock, pollIntervalMs })
  const unobserve = metrics && observeProcess(metrics, { hub, conversationHub, pool, store })
  const useCases = createUseCases(
    { store, files: adapters.files, bus, hub, timetable, clock, conversationHub, tracer, log },
    { config, options, agents, runsAtOnce, webhookHosts },
  )
  const {
    letIn,
    tellFamilies,
    passOn,
    runs,
    conversations,
    files,
    schedules,
    memories,
    sessions,
    tickets,
    deleteAll,
    callerWebhooks,
    erase,
  } = useCases
  const retentionRules = createRetentionRules(
    { retention: options.retention, agents, defaultDays: config.retentionDays },
    { timeoutMs: config.retentionTimeoutSeconds * 1000, clock, log, signal },
  )
  const hasSessions = Boolean(options.anonymousSessions)
  const isAuthenticating = options.authenticate !== undefined || hasSessions

  const lifetime = createLifetime({
    parts: createParts([
      tracing,
      ...partsInOrder(
        {
          pool,
          store,
          queue,
          runRedelivery,
          timetable,
          bus,
          runs,
          tellFamilies,
          passOn,
          deleteAll,
          tidyFiles: files.tidy,
          clock,
          log,
        },
        {
          config,
          ownAgents: options.agents,
          agents,
          schedules: ownSchedules,
          retentionRules,
          hasSessions,
          webhooks: options.webhooks,
          webhookHosts,
          signal,
        },
      ),
    ]),
    toStartupError: (error) => toStartupError(error, config.databaseUrl ?? ''),
    async disconnect(close) {
      stopping.abort()
      unobserve?.()
      conversationHub.close()
      hub.close()
      await Promise.all([sockets.close(), ...[...workers].map((worker) => worker.stop())])
      if (!(await unlessAway({ store, clock }, close()))) pool.abandon()
    },
  })
  const { start, stop } = lifetime

  const services = {
    runs,
    agents: useCases.agents,
    listModels: () => listModels(getModel, options.models ?? {}),
    conversations,
    files,
    schedules,
    memories,
    webhooks: callerWebhooks,
    tickets: { open: (ticket: string) => start().then(() => tickets.open(ticket)) },
    sessions: { ...sessions, create: (from?: SessionRequest) => start().then(() => sessions.create(from)) },
    log,
    stopping: signal,
    streamKeepAliveMs: config.streamKeepAliveSeconds * 1000,
    restLists: config.restLists,
  }
  const router = createRouter<Shape>(services)

  let model: Model | undefined = options.model
  const getModel = () => (model ??= chooseModel(config))
  const findModel = createModelFinder({ models: options.models ?? {}, getDefault: getModel })

  const readOwnHealth = createReadHealth({ store, bus, queue }, [...agents.keys()])
  const readHealth = () => start().then(readOwnHealth)
  const identify = createIdentify({
    authenticate: options.authenticate ?? (() => (hasSessions ? null : PUBLIC_PRINCIPAL)),
    findVisitor: hasSessions ? sessions.find : undefined,
    paths: config,
    start,
    timeoutMs: config.authenticateTimeoutSeconds * 1000,
    log,
  })
  const { handler, nodeHandler, sockets } = createTransports(
    { services, router, identify, tracer, clock },
    {
      config,
      sessionPath: hasSessions ? config.anonymousSessionPath : undefined,
      // Where nobody has to say who they are, all are the same one.
      streamsPerPrincipal: isAuthenticating ? config.streamsPerPrincipal : Infinity,
      socketsPerPrincipal: isAuthenticating ? config.socketsPerPrincipal : Infinity,
      transfersPerPrincipal: isAuthenticating ? config.transfersPerPrincipal : Infinity,
      readHealth,
    },
  )

  const workers = new Set<Worker>()
  const { conversationTitle } = options
  const startWorker = createStartWorker(
    {
      ...{ store, files: adapters.files, queue, bus, conversationTitle },
      ...{ findModel, costOf: createCostOf(prices), windowOf: createWindowOf(prices) },
      letIn,
      tellFamilies,
      passOn,
      clock,
      log,
      tracer,
      visibilityOf,
      presence,
      retryPolicy,
    },
    {
      ...{ config, agents, runsAtOnce, lifetime, workers, getModel },
      isModelDemanded: options.model !== undefined || config.modelProvider !== undefined,
    },
  )

  return {
    // Carried in the type alone.
    $agents: undefined as unknown as Shape,
    get agents() {
      return [...agents.values()]
    },
    config,
    isAuthenticating,
    hasAnonymousSessions: hasSessions,
    metrics: options.metrics,
    get model() {
      return getModel()
    },
    router,
    runs,
    conversations,
    files,
    schedules,
    memories,
    sessions,
    webhooks: createWebhooks(store),
    erase,
    // Agents of the registry are known once it has started.
    keptDays: (of) => start().then(() => retentionRules.keptDays(of)),
    health: readHealth,
    start,
    handler,
    nodeHandler,
    handleUpgrade: (request, socket, head) =>
      sockets.handleUpgrade(request as IncomingMessage, socket as Duplex, head as Buffer),

    startWorker,
    stop,
  }
}
