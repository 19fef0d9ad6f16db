// The store under workers that all act at once, each on its last knowledge. No order of events is expected,
// only possible results.
import fc from 'fast-check'
import { v7 as uuidv7 } from 'uuid'
import { describe, expect } from 'vitest'
import type { NewEvent, NewWait, RunAppend } from '../../../../server/ports/attempt.ts'
import type { Store } from '../../../../server/ports/store/store.ts'
import { brokenInvariants } from '../../../support/check-invariants.ts'
import { claim, createTestStore } from '../../../support/store.ts'
import { newRun } from '../../../support/new-run.ts'
import { createTestPool } from '../../../support/pool.ts'
import { test as base } from '../../../support/runtime.ts'
import { OWNER } from './store-twins.ts'

const WORKERS = 3
const RUNS = 2
/** No queue has these runs. */
const NOT_OF_THE_STORE = 'what is to be taken up has a delivery in the queue'

const test = base.extend<{ store: Store }>({
  store: async ({ database }, use) => {
    const pool = createTestPool(database.url)
    await use(createTestStore(pool))
    await pool.end()
    await database.sql('TRUNCATE agent_runtime.run, agent_runtime.event CASCADE')
  },
})

const act = fc.record({
  worker: fc.integer({ min: 0, max: WORKERS - 1 }),
  run: fc.integer({ min: 0, max: RUNS - 1 }),
  do: fc.constantFrom(
    ...(['claim', 'claim', 'append', 'append', 'append', 'release', 'end', 'cancel'] as const),
    ...(['recover', 'renew', 'step', 'suspend', 'suspend', 'respond'] as const),
  ),
})
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never

/** What a worker believes about a run that it has claimed. */
interface Belief {
  attempt: number
  lastSeq: number
}

const WORD: NewWait = {
  name: 'word',
  occurrence: 1,
  kind: 'input',
  details: null,
  schema: {},
  timeoutMs: null,
}

class Race {
  readonly #store: Store
  readonly #runIds: readonly string[]
  readonly #beliefs = new Map<string, Belief>()
  /** Each claimed attempt, by run. */
  readonly claims: string[] = []
  readonly cancelled = new Set<string>()
  /** The run of each accepted answer. */
  readonly accepted: string[] = []

  constructor(store: Store, runIds: readonly string[]) {
    this.#store = store
    this.#runIds = runIds
  }

  async take({ worker, run, do: what }: Act): Promise<void> {
    const id = this.#runIds[run] ?? ''
    const workerId = `${worker} of ${this.#runIds[0]}`
    const belief = this.#beliefs.get(`${worker} ${run}`)
    switch (what) {
      case 'claim': {
        const { claimed } = await claim(this.#store, [id], { workerId })
        for (const { attempt, lastSeq } of claimed) {
          this.claims.push(`${id} ${attempt}`)
          this.#beliefs.set(`${worker} ${run}`, { attempt, lastSeq })
        }
        return
      }
      case 'cancel': {
        const { kind } = await this.#store.requestCancel(OWNER, id)
        if (kind === 'requested' || kind === 'cancelled') this.cancelled.add(id)
        return
      }
      case 'recover':
        return void (await this.#store.recoverRuns([workerId]))
      case 'append':
      case 'release':
      case 'suspend':
      case 'end':
        if (belief !== undefined) await this.#append({ id, belief, what })
        return
      case 'respond': {
        const answer = { runId: id, wait: 'word', value: worker }
        const { kind } = await this.#store.respond(OWNER, { ...answer, asked: WORD, by: OWNER.id })
        if (kind === 'accepted') this.accepted.push(id)
        return
      }
      case 'renew':
        if (belief !== undefined) await this.#store.renewLeases([{ id, attempt: belief.attempt }], 60_000)
        return
      case 'step': {
        const startedAt = '2026-01-01T00:00:00.000Z'
        const step = { name: 'step', occurrence: 1, result: worker, messageIds: [], startedAt }
        if (belief !== undefined) await this.#store.saveStep({ id, attempt: belief.attempt }, step)
        return
      }
    }
  }

  async #append({ id, belief, what }: { id: string; belief: Belief; what: Act['do'] }): Promise<void> {
    const append: RunAppend = {
      runId: id,
      attempt: belief.attempt,
      baseSeq: belief.lastSeq,
      events: [eventOf(belief.lastSeq + 1, what)],
      ...(what === 'end' && {
        ending: { status: 'succeeded', output: null, error: null, messages: [] },
      }),
      ...(what === 'suspend' && { ending: { status: 'waiting', agentKey: 'a', priority: 0, waits: [WORD] } }),
      ...(what === 'release' && {
        ending: { status: 'queued', agentKey: 'a', priority: 0, delayMs: 0, failures: 1, losses: 0 },
      }),
    }
    const outcomes = await this.#store.append([append])
    if (outcomes.get(id) === 'written') belief.lastSeq += 1
  }
}

function eventOf(seq: number, what: Act['do']): NewEvent {
  const type =
    what === 'end'
      ? 'run.succeeded'
      : what === 'release'
        ? 'run.retrying'
        : what === 'suspend'
          ? 'run.waiting'
          : 'a'
  return { seq, type, visibility: 'user', payload: '{}', ts: '2026-01-01T00:00:00.000Z' }
}

describe('the store, asked by many at once', () => {
  test('hands out each attempt once and never comes to a state that can’t be', async ({
    store,
    database,
  }) => {
    const oracle = { query: async (text: string) => ({ rows: await database.sql(text) }) }
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(act, { minLength: 1, maxLength: 6 }), { minLength: 2, maxLength: 15 }),
        async (waves) => {
          const runIds = Array.from({ length: RUNS }, () => uuidv7())
          await store.createRuns(runIds.map((id) => newRun({ id, principal: OWNER, maxAttempts: 10 })))
          const race = new Race(store, runIds)
          for (const wave of waves) await Promise.all(wave.map((each) => race.take(each)))

          const { [NOT_OF_THE_STORE]: _, ...broken } = await brokenInvariants(oracle)
          expect(broken).toEqual({})
          expect(new Set(race.claims).size).toBe(race.claims.length)
          // A run has one wait, however often the agent asks.
          expect(new Set(race.accepted).size).toBe(race.accepted.length)
          const succeeded = await database.sql<{ id: string }>(
            `SELECT id FROM agent_runtime.run WHERE status = 'succeeded' AND id = ANY ($1)`,
            [[...race.cancelled]],
          )
          expect(succeeded).toEqual([])
        },
      ),
      { numRuns: 60 },
    )
  })
})
