// What callers can have done, over a transport or in code on the server.
import type { AnyAgent } from '../agent/agent.ts'
import type { Config } from '../config/config.ts'
import { createAccess } from '../domain/access.ts'
import { createAcceptWebhooks, createCallerWebhooks } from '../domain/caller-webhooks.ts'
import { createConversationEvents } from '../domain/conversation-events.ts'
import { createAgents } from '../domain/agents.ts'
import { createConversations } from '../domain/conversations.ts'
import { createDeleteAll } from '../domain/delete-all.ts'
import { createErase } from '../domain/erase.ts'
import { createUploadedFiles } from '../domain/files.ts'
import { createLetIn } from '../domain/let-in.ts'
import { createCheckLimits } from '../domain/limits.ts'
import { createCheckQuota } from '../domain/quota.ts'
import { createRunEvents } from '../domain/run-events.ts'
import { createRuns } from '../domain/runs.ts'
import { createMemories } from '../domain/memories.ts'
import { createSchedules } from '../domain/stored-schedules.ts'
import { createSessions } from '../domain/sessions.ts'
import { createPassOn } from '../domain/pass-on.ts'
import { createTellFamilies } from '../domain/tell-families.ts'
import { createTickets } from '../domain/tickets.ts'
import type { WebhookHosts } from '../domain/webhook-hosts.ts'
import { createTicketSigner } from '../auth/ticket-signer.ts'
import { createVisibilityOf } from '../events/visibility.ts'
import { createFindBrokenOff } from '../domain/broken-off.ts'
import { createFindShownRuns } from '../domain/shown-runs.ts'
import { createWithReasoning } from '../domain/with-reasoning.ts'
import type { ConversationHub } from '../events/conversation-hub.ts'
import type { EventHub } from '../events/hub.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { Files } from '../ports/files.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { RunsAtOnce } from '../ports/runs-at-once.ts'
import type { Store } from '../ports/store/store.ts'
import type { Timetable } from '../ports/timetable.ts'
import type { Tracer } from '../ports/tracer.ts'
import type { RuntimeOptions } from './agent-runtime.ts'

interface UseCasePorts {
  store: Store
  files: Files
  bus: EventBus
  hub: EventHub
  timetable: Timetable
  clock: Clock
  tracer: Tracer
  conversationHub: ConversationHub
  log: Logger
}

interface UseCaseSettings {
  config: Config
  /** What the application decides itself. */
  options: Omit<RuntimeOptions<readonly AnyAgent[]>, 'agents'>
  agents: ReadonlyMap<string, AnyAgent>
  runsAtOnce: RunsAtOnce
  webhookHosts: WebhookHosts
}

// oxlint-disable-next-line max-lines-per-function -- Wiring alone: each line hands to the next part what those before made.
export function createUseCases(
  { store, files, bus, hub, timetable, clock, conversationHub, tracer, log }: UseCasePorts,
  settings: UseCaseSettings,
) {
  const { config, options, agents, runsAtOnce, webhookHosts } = settings
  const letIn = createLetIn({ store, log }, runsAtOnce)
  const access = createAccess({
    authorize: options.authorize,
    timeoutMs: config.authorizeTimeoutSeconds * 1000,
    log,
  })
  const quotaTimeoutMs = config.quotaTimeoutSeconds * 1000
  const checkQuota = options.quota && createCheckQuota(options.quota, { timeoutMs: quotaTimeoutMs, log })
  const passOn = createPassOn({ store, bus, letIn, access, log }, { runsAtOnce, checkQuota })
  const tellFamilies = createTellFamilies({ store, bus, letIn, passOn, log })
  const uploadedFiles = createUploadedFiles(
    { store, files, access, log },
    {
      maxFileBytes: config.maxFileBytes,
      principalFileBytes: config.principalFileBytes,
      unusedMs: Math.round(config.unusedFileHours * 3_600_000),
      fileBytesPerSecond: config.fileBytesPerSecond,
    },
  )
  const { tidy: tidyFiles, sweep: sweepFiles } = uploadedFiles
  const events = createRunEvents({ store, hub, access }, { debugMode: config.debugMode })
  const conversationEvents = createConversationEvents(
    { store, hub: conversationHub, access },
    { debugMode: config.debugMode },
  )
  const tickets = createTickets(createTicketSigner({ readKey: store.readSigningKey }), {
    runs: events,
    conversations: conversationEvents,
  })
  const checkLimits = createCheckLimits(options.limits, config, log)
  const acceptWebhooks = createAcceptWebhooks({ store, access }, webhookHosts)
  const runs = createRuns(
    { store, bus, letIn, tellFamilies, access, acceptWebhooks, tracer, log, tidyFiles },
    {
      agents,
      runsAtOnce,
      checkLimits,
      checkQuota,
      maxAttempts: config.maxAttempts,
      newConversations: config.newConversations,
      maxWaitingRuns: config.maxWaitingRuns,
      runTimeoutMs: Math.round(config.runTimeoutSeconds * 1000),
    },
    { ...events, ticket: tickets.ofRun },
  )
  const schedules = createSchedules(
    { store, runs, access, timetable, clock, log },
    {
      agents,
      checkLimits,
      perPrincipal: config.schedulesPerPrincipal,
      minSeconds: config.minScheduleSeconds,
    },
  )
  const memories = createMemories({ store, access, log })
  const { anonymousSessions = false } = options
  const sessions = createSessions(
    { store, log },
    {
      lifetimeMs: Math.round(config.anonymousSessionDays * 86_400_000),
      isRenewing: config.anonymousSessionRenewal,
      perAddress: config.anonymousSessionsPerAddress,
      trustedProxies: config.trustedProxies,
    },
    anonymousSessions === true ? {} : anonymousSessions,
  )
  const deleteAll = createDeleteAll({ store, bus, letIn })
  const deleteThoroughly: typeof deleteAll = async (doomed) => {
    const deleted = await deleteAll(doomed)
    await tidyFiles()
    return deleted
  }
  const conversations = createConversations(
    {
      store,
      access,
      log,
      deleteAll: deleteThoroughly,
      bus,
      acceptWebhooks,
      findShownRuns: createFindShownRuns({ store, access }),
      findBrokenOff: createFindBrokenOff(store, {
        debugMode: config.debugMode,
        visibility: createVisibilityOf(config.eventVisibility)('tool.call'),
      }),
      withReasoning: createWithReasoning(store, {
        debugMode: config.debugMode,
        visibility: createVisibilityOf(config.eventVisibility)('reasoning.delta'),
      }),
    },
    agents,
    { ...conversationEvents, ticket: tickets.ofConversation },
  )
  const agentList = createAgents({ access }, agents)
  const erase = createErase({ deleteAll, sweepFiles, log })
  return {
    letIn,
    tellFamilies,
    passOn,
    runs,
    agents: agentList,
    conversations,
    files: uploadedFiles,
    schedules,
    memories,
    sessions,
    tickets,
    deleteAll,
    callerWebhooks: createCallerWebhooks({ store, access, log }),
    erase,
  }
}
