import { agentsByKey } from '../agent/agents-by-key.ts'
import type { AnyAgent } from '../agent/agent.ts'
import { loadRegistry } from '../agent/registry.ts'
import { ConfigError } from '../config/config-error.ts'
import type { Config } from '../config/config.ts'
import { environmentWarnings } from '../config/resolve-config.ts'
import type { DeleteAll } from '../domain/delete-all.ts'
import type { RetentionRules } from '../domain/retention-rule.ts'
import { runRetention } from '../domain/retention.ts'
import type { Runs } from '../domain/runs.ts'
import { ADDRESS_WINDOW_MS } from '../domain/sessions.ts'
import { createDueSchedules } from '../domain/due-schedules.ts'
import { checkSchedules, runSchedules } from '../domain/schedules.ts'
import type { PassOn } from '../domain/pass-on.ts'
import type { TellFamilies } from '../domain/tell-families.ts'
import { runUpkeep } from '../domain/upkeep.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'
import type { Queue } from '../ports/queue.ts'
import type { Store } from '../ports/store/store.ts'
import type { Timetable } from '../ports/timetable.ts'
import type { createPostgresPool } from '../postgres/connections/pool.ts'
import type { WebhookEndpoint } from '../ports/webhooks.ts'
import { runCallerWebhooks } from '../domain/run-caller-webhooks.ts'
import { runWebhooks } from '../domain/run-webhooks.ts'
import type { WebhookHosts } from '../domain/webhook-hosts.ts'
import { sendCallerWebhook, sendWebhook } from '../webhooks/send.ts'
import { gatherStatistics } from '../postgres/statistics.ts'
import { loop } from './start-stop.ts'
import type { Part } from './start-stop.ts'

/** Between looks for lost workers: what a killed worker's runs wait, twice. */
const UPKEEP_INTERVAL_MS = 500
/** Between looks for what is old: nothing anybody waits for. */
const RETENTION_INTERVAL_MS = 60_000
/** Between looks for webhooks to send: what one waits at most when nobody is slow. */
const WEBHOOK_INTERVAL_MS = 500

interface Wired {
  pool: ReturnType<typeof createPostgresPool>
  store: Store
  queue: Queue
  runRedelivery(agentKeys: readonly string[]): Promise<void>
  timetable: Timetable
  bus: EventBus
  runs: Runs
  tellFamilies: TellFamilies
  passOn: PassOn
  deleteAll: DeleteAll
  tidyFiles(): Promise<void>
  clock: Clock
  log: Logger
}

interface Given {
  config: Config
  /** Those the runtime was made with. */
  ownAgents: readonly AnyAgent[]
  /** All of them: those of the registry are added. */
  agents: Map<string, AnyAgent>
  retentionRules: RetentionRules
  /** Whether there are anonymous sessions. */
  hasSessions: boolean
  /** The schedules of `ownAgents`. */
  schedules: ReturnType<typeof checkSchedules>
  /** Undefined where nothing is said of them. */
  webhooks: readonly WebhookEndpoint[] | undefined
  webhookHosts: WebhookHosts
  /** Ends the loops. */
  signal: AbortSignal
}

/** The parts of a runtime in the order in which they start: each after those that it needs. They stop in the reverse order. */
export function partsInOrder(wired: Wired, { config, ownAgents, agents, ...given }: Given): Part[] {
  const { pool, store, queue, runRedelivery, timetable, bus, runs, tidyFiles, clock, log } = wired
  const { signal } = given
  const { random } = Math
  const agentKeys = () => [...agents.keys()]
  let { schedules } = given
  let since: Awaited<ReturnType<Timetable['publish']>> = []

  const registry: Part = {
    async start() {
      for (const warning of environmentWarnings()) log.warn({}, warning)
      if (config.registry.length === 0) return
      const found = await loadRegistry(config.registry)
      for (const [key, agent] of agentsByKey([...ownAgents, ...found])) agents.set(key, agent)
      schedules = checkSchedules(agents, timetable, clock.now())
    },
  }

  const database: Part = {
    async start() {
      if (config.databaseUrl === undefined) {
        throw new ConfigError('DATABASE_URL is not set: the runtime needs a PostgreSQL database.')
      }
      await store.check()
    },
    async stop() {
      await store.close()
      await pool.end()
    },
  }

  const { webhooks, webhookHosts } = given
  const sending = { store, send: sendWebhook, clock, log, random }
  const telling: Part[] =
    webhooks === undefined
      ? []
      : [
          { start: () => store.publishWebhooks(webhooks) },
          loop(() => runWebhooks(sending, { endpoints: webhooks, intervalMs: WEBHOOK_INTERVAL_MS, signal })),
        ]
  if (webhookHosts.hosts.length > 0) {
    const settings = { ...webhookHosts, intervalMs: WEBHOOK_INTERVAL_MS, signal }
    telling.push(loop(() => runCallerWebhooks({ ...sending, send: sendCallerWebhook }, settings)))
  }

  const dueSchedules = createDueSchedules({ store, runs, timetable, log }, { agentKeys, signal })

  const { tellFamilies, passOn } = wired
  const createDueRuns = dueSchedules.look
  const upkeep = { store, bus, clock, log, random, createDueRuns, tellFamilies, passOn }
  return [
    registry,
    database,
    { start: () => queue.start(agentKeys()), stop: () => queue.stop() },
    { start: async () => (since = await timetable.publish(agentKeys(), schedules)) },
    { start: () => bus.start(), stop: () => bus.stop() },
    ...telling,
    { stop: () => dueSchedules.settled() },
    loop(() => runUpkeep(upkeep, { intervalMs: UPKEEP_INTERVAL_MS, signal })),
    loop(() => runRedelivery(agentKeys())),
    loop(() => runSchedules({ runs, timetable, clock, log }, { schedules, since, signal })),
    loop(() => gatherStatistics({ pool, clock, log }, signal)),
    loop(() =>
      runRetention(
        { store, deleteAll: wired.deleteAll, tidyFiles, clock, log, random },
        {
          compactAfterMs: config.compactAfterSeconds && config.compactAfterSeconds * 1000,
          deleteAfterMs: config.retentionDays && config.retentionDays * 86_400_000,
          // Agents of the registry are known by now.
          rule: given.retentionRules.ageRule(),
          sessionAddressMs: given.hasSessions && ADDRESS_WINDOW_MS,
        },
        { intervalMs: RETENTION_INTERVAL_MS, signal },
      ),
    ),
  ]
}
