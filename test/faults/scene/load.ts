import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiAccess } from './api-access.ts'
import { persistently } from './api-access.ts'
import type { Seen } from './follow.ts'
import { follow } from './follow.ts'
import type { LoadOptions, RunPlan } from './plan.ts'
import { planRun } from './plan.ts'
import type { Random } from './random.ts'

/** A run of the load, and what its caller was told about it. */
export interface Ran {
  id: string
  plan: RunPlan
  seen: Seen | undefined
  /** `unsure`: refused, but an earlier try without an answer may have ended the run. */
  cancel: 'accepted' | 'refused' | 'unsure' | undefined
}

export interface Load {
  /** Resolves when the last run was created. Soon after, the load is over. */
  created: Promise<void>
  /** Resolves when all runs are over. */
  ended: Promise<Ran[]>
  /** What callers wait for now, or waited for when it was aborted. */
  pending(): string[]
}

/** Creates runs, follows and cancels them as planned. The options say how many at once. */
export function startLoad(
  options: LoadOptions,
  { api, random, signal }: { api: ApiAccess; random: Random; signal: AbortSignal },
): Load {
  const key = random.fork('key').next().toString(36)
  const allCreated = Promise.withResolvers<void>()
  let next = 0
  let created = 0

  const pending = new Map<symbol, string>()
  let pendingAtAbort: string[] = []
  signal.addEventListener('abort', () => (pendingAtAbort = [...pending.values()]), { once: true })

  async function noted<T>(what: string, promise: Promise<T>): Promise<T> {
    const key = Symbol(what)
    pending.set(key, what)
    return promise.finally(() => pending.delete(key))
  }

  async function one(index: number): Promise<Ran> {
    const plan = planRun(index, options, random)
    const id = await noted(`creation of ${index}`, create(plan, `${key}-${index}`))
    created += 1
    if (created === options.runs) allCreated.resolve()
    const [seen, cancel] = await Promise.all([
      noted(`${plan.follower} of ${id}`, follow(plan.follower, id, { api, signal })),
      plan.cancelAfterMs === undefined
        ? undefined
        : noted(`cancel of ${id}`, cancelAfter(plan.cancelAfterMs, id)),
      plan.agentKey === 'asking' ? noted(`answers to ${id}`, answerBoth(id)) : undefined,
    ])
    return { id, plan, seen, cancel }
  }

  /** With a key, since the answer may be lost although the run exists. */
  async function create({ agentKey, params, twice }: RunPlan, idempotencyKey: string): Promise<string> {
    const { maxAttempts: max_attempts } = options
    const body = { agent_key: agentKey, params, idempotency_key: idempotencyKey, max_attempts }
    if (twice === undefined) return post('runs', body)
    const conversation_id = await post('conversations', {})
    const inIt = { ...body, conversation_id, conversation_policy: twice }
    const [id, again] = await Promise.all([post('runs', inIt), post('runs', inIt)])
    if (id !== again) throw new Error(`one key made two runs: ${id} and ${again}`)
    return id
  }

  async function post(path: 'runs' | 'conversations', body: object): Promise<string> {
    const answer = await persistently(() => api.rest.post(path, body, { signal }), signal)
    if (answer.status > 201) throw new Error(`creating: ${answer.status} ${JSON.stringify(answer.body)}`)
    return String(answer.body['id'])
  }

  /** Both answers at once: the second may come while the attempt that the first one resumed is running. */
  async function answerBoth(id: string): Promise<void> {
    for (;;) {
      const { body } = await persistently(() => api.rest.get(`runs/${id}`, { signal }), signal)
      if (body['finished_at'] !== null) return
      if ((body['waits'] as unknown[]).length === 2) break
      await sleep(50, undefined, { signal })
    }
    const answers = Object.entries({ a: 1, b: 2 }).map(([wait, value]) =>
      persistently(() => api.rest.post(`runs/${id}/respond`, { wait, value }, { signal }), signal),
    )
    for (const { status, tries, body } of await Promise.all(answers)) {
      // Refused: the run was cancelled, or an earlier try without an answer was accepted.
      if (status !== 200 && status !== 409) {
        throw new Error(`answering: ${status} after ${tries} tries, ${JSON.stringify(body)}`)
      }
    }
  }

  async function cancelAfter(ms: number, id: string): Promise<Ran['cancel']> {
    await sleep(ms, undefined, { signal })
    const answer = await persistently(() => api.rest.post(`runs/${id}/cancel`, {}, { signal }), signal)
    if (answer.status === 200) return 'accepted'
    if (answer.body['code'] === 'conflict') return answer.tries === 1 ? 'refused' : 'unsure'
    throw new Error(`cancelling a run: ${answer.status} ${JSON.stringify(answer.body)}`)
  }

  async function keepBusy(): Promise<Ran[]> {
    const ran: Ran[] = []
    while (next < options.runs) {
      next += 1
      ran.push(await one(next - 1))
    }
    return ran
  }

  const ended = Promise.all(Array.from({ length: options.inFlight }, keepBusy)).then((all) => all.flat())
  // A failed load creates no more runs. Whoever waits for its end gets the error.
  ended.catch(() => allCreated.resolve())
  return {
    created: allCreated.promise,
    ended,
    pending: () => (signal.aborted ? pendingAtAbort : [...pending.values()]),
  }
}
