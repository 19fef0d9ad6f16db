// How long runs are kept, when this differs by tenant or agent. The application's function may fail. Then nothing is
// deleted for that tenant and agent, and the others are not affected.
import { RETENTION_DAYS, RetentionDays } from '../config/retention-days.ts'
import type { AgeRule, Kept } from '../ports/age-rule.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import { answerInTime } from './answer-in-time.ts'

/** Days; null for good; undefined for the default, which is the agent's `retentionDays`, else the setting. */
export type RetentionAnswer = number | null | undefined

/**
 * Returns how many days after its end a run is deleted, by its tenant and agent: 1 to 36500, null or undefined. If it
 * throws, gives another answer, or none within `retentionTimeoutSeconds`, this is logged and everything is kept until
 * it answers. An answer is used for up to a minute. A changed rule takes effect within a day.
 *
 * `agentKey` is null for a conversation that never had a run and was created for no agent.
 *
 * @example
 * retention: ({ tenantId }) => (tenantId === 'bank' ? null : undefined)
 */
export type Retention = (of: {
  tenantId: string
  agentKey: string | null
}) => RetentionAnswer | Promise<RetentionAnswer>

interface Said {
  retention: Retention | undefined
  /** All agents, including those that the registry adds later. */
  agents: ReadonlyMap<string, { retentionDays?: number | false }>
  /** False means for good. */
  defaultDays: number | false
}

interface Ports {
  timeoutMs: number
  clock: Clock
  log: Logger
  /** Aborts when the runtime stops. */
  signal: AbortSignal
}

export interface RetentionRules {
  /** Null when the setting applies to everything. */
  ageRule(): AgeRule | null
  /**
   * How many days a run is kept after its end; null for good. @throws the reason of the runtime's stop, when it stops
   * meanwhile
   */
  keptDays(of: Kept): Promise<number | null>
}

export function createRetentionRules(said: Said, { timeoutMs, clock, log, signal }: Ports): RetentionRules {
  const { retention, agents, defaultDays } = said
  const answersNow = lasting<number | null>(ANSWERS_LAST_MS, clock)
  const toldNow = lasting<true>(DAY_MS, clock)

  const defaultOf = ({ agentKey }: Kept) => {
    const own = agentKey === null ? undefined : agents.get(agentKey)?.retentionDays
    return (own ?? defaultDays) || null
  }

  async function daysOf(of: Kept, onFailure: (error: unknown) => void): Promise<number | null> {
    if (retention === undefined) return defaultOf(of)
    try {
      const late = () => new Error('There was no answer in time.')
      const answer: unknown = await answerInTime(retention({ ...of }), timeoutMs, late)
      if (answer === undefined) return defaultOf(of)
      if (answer === null || RetentionDays.safeParse(answer).success) return answer as number | null
      const { min, max } = RETENTION_DAYS
      throw new TypeError(`It must answer with days from ${min} to ${max}, null or undefined.`)
    } catch (error) {
      onFailure(error)
      // Keep everything on failure, since a deletion cannot be undone.
      return null
    }
  }

  async function askAll(
    pairs: ReadonlyMap<string, Kept>,
    answers: Map<string, number | null>,
  ): Promise<void> {
    const failures: { key: string; of: Kept; error: unknown }[] = []
    await Promise.all(
      [...pairs].map(async ([key, of]) => {
        answers.set(key, await daysOf(of, (error) => failures.push({ key, of, error })))
      }),
    )
    const told = toldNow()
    const news = failures.filter(({ key }) => !told.has(key))
    for (const { key } of news) told.set(key, true)
    const [first] = news
    if (first === undefined) return
    log.error({ err: first.error, ...first.of, others: news.length - 1 }, FAILED)
  }

  async function allKeptDays(of: readonly Kept[]): Promise<(number | null)[]> {
    const answers = answersNow()
    const keys = of.map(({ tenantId, agentKey }) => JSON.stringify([tenantId, agentKey]))
    const pairs = new Map(
      of.flatMap(({ tenantId, agentKey }, index) => {
        const key = keys[index] ?? ''
        return answers.has(key) ? [] : [[key, { tenantId, agentKey }] as const]
      }),
    )
    await unlessAborted(() => askAll(pairs, answers), signal)
    return keys.map((key) => answers.get(key) ?? null)
  }

  return {
    ageRule() {
      const ownDays = [...agents.values()].flatMap(({ retentionDays }) => retentionDays ?? [])
      const finiteDays = [...ownDays, defaultDays].filter((days) => days !== false)
      if (retention === undefined && (ownDays.length === 0 || finiteDays.length === 0)) return null
      const leastDays = retention === undefined ? Math.min(...finiteDays) : RETENTION_DAYS.min
      return {
        minMs: leastDays * DAY_MS,
        async keptMs(of) {
          return (await allKeptDays(of)).map((days) => (days === null ? null : days * DAY_MS))
        },
      }
    },
    async keptDays(of) {
      const [days = null] = await allKeptDays([of])
      return days
    },
  }
}

const FAILED =
  'retention failed; runs of this tenant and agent, and of others where it failed, are kept until it answers'

const DAY_MS = 86_400_000
/** A walk over all runs may take hours, so it must not rely on answers from its beginning. */
const ANSWERS_LAST_MS = 60_000

/** Returns a map that is replaced by an empty one after `ms`. A caller that holds the old map can go on using it. */
function lasting<T>(ms: number, clock: Clock): () => Map<string, T> {
  let map = new Map<string, T>()
  let since = clock.now()
  return () => {
    if (clock.now() - since >= ms) {
      map = new Map()
      since = clock.now()
    }
    return map
  }
}

/** Rejects when `signal` aborts: a stop must not wait for an answer of the application. */
async function unlessAborted(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    await Promise.race([work(), promise])
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
