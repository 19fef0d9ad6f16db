import fc from 'fast-check'
import type { RunStatus } from '../../../server/contract/run.ts'
import type { RunAppend, Store } from '../../../server/ports.ts'
import { claim } from '../../support/claim.ts'
import { FakeEventStore } from '../../support/fake-event-store.ts'

export const MAX_ATTEMPTS = 3
export const OWNER = { id: 'owner', tenantId: '', kind: 'user' } as const

interface AppendStep {
  do: 'append'
  attempt: 'own' | 'older'
  from: 'here' | 'again' | 'behind'
  events: number
  end: 'succeeded' | 'failed' | 'cancelled' | 'timed_out' | 'queued' | null
}
export type Step = AppendStep | { do: 'cancel' | 'lose' | 'claim' }

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record<AppendStep>({
      do: fc.constant('append'),
      attempt: fc.constantFrom('own', 'own', 'own', 'older'),
      from: fc.constantFrom('here', 'here', 'again', 'behind'),
      events: fc.integer({ min: 1, max: 3 }),
      end: fc.constantFrom(null, null, null, 'succeeded', 'failed', 'cancelled', 'timed_out', 'queued'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('cancel' as const, 'lose' as const, 'claim' as const) }),
  },
)

export const nowhere = async () => {}

/** The same steps in the store's memory of a test and in PostgreSQL. */
export class Twins {
  readonly #fake = new FakeEventStore()
  readonly #store: Store
  readonly #id: string
  #failures = 0
  #last: RunAppend | undefined

  constructor(store: Store, id: string) {
    this.#store = store
    this.#id = id
    this.#fake.add(id)
  }

  /** What both say to a step. */
  take(step: Step, sql: (text: string, values: unknown[]) => Promise<unknown>): Promise<[unknown, unknown]> {
    switch (step.do) {
      case 'append':
        return this.#append(step)
      case 'cancel':
        return this.#cancel()
      case 'claim':
        return this.#claim(sql)
      case 'lose':
        return this.#lose(sql)
    }
  }

  async events(): Promise<[unknown[], unknown[]]> {
    const rows = await this.#store.readEvents(this.#id, 0, 1_000)
    const shown = (events: typeof rows) => events.map(({ seq, type, attempt }) => ({ seq, type, attempt }))
    return [shown(this.#run.events), shown(rows)]
  }

  get #run() {
    return this.#fake.run(this.#id)
  }

  async #cancel(): Promise<[unknown, unknown]> {
    const { status } = this.#run
    const expected = status === 'running' ? 'requested' : status === 'queued' ? 'cancelled' : 'already-ended'
    if (expected !== 'already-ended') this.#run.cancelRequested = true
    if (expected === 'cancelled') this.#end('cancelled', 'run.cancelled')
    return [expected, (await this.#store.requestCancel(OWNER, this.#id)).kind]
  }

  async #claim(sql: (text: string, values: unknown[]) => Promise<unknown>): Promise<[unknown, unknown]> {
    await sql(
      "UPDATE agent_runtime.run SET run_at = now() WHERE id = $1 AND run_at > now() + interval '10 ms'",
      [this.#id],
    )
    const { claimed } = await claim(this.#store, [this.#id])
    const actual = claimed.map((run) => [run.attempt, run.lastSeq, run.failures])
    if (this.#run.status !== 'queued') return [[], actual]
    this.#run.attempt += 1
    this.#end('running', 'run.started')
    return [[[this.#run.attempt, this.#run.events.length, this.#failures]], actual]
  }

  async #lose(sql: (text: string, values: unknown[]) => Promise<unknown>): Promise<[unknown, unknown]> {
    await sql(`UPDATE agent_runtime.run SET lease_expires_at = now() - interval '1 second' WHERE id = $1`, [
      this.#id,
    ])
    const recovered = await this.#store.recoverRuns([], nowhere)
    const actual = recovered.map(({ status, lastSeq }) => [status, lastSeq])
    if (this.#run.status !== 'running') return [[], actual]
    this.#failures += 1
    if (this.#run.cancelRequested) this.#end('cancelled', 'run.cancelled')
    else if (this.#failures >= MAX_ATTEMPTS) this.#end('failed', 'run.failed')
    else this.#end('queued', 'run.retrying')
    return [[[this.#run.status, this.#run.events.length]], actual]
  }

  #end(status: RunStatus, type: string): void {
    this.#run.status = status
    this.#fake.emit(this.#id, type, {})
  }

  async #append(step: AppendStep): Promise<[unknown, unknown]> {
    const append = step.from === 'again' && this.#last !== undefined ? this.#last : this.#make(step)
    this.#last = append
    const before = this.#run.events.length
    const [expected] = (await this.#fake.append([append])).values()
    const [actual] = (await this.#store.append([append], nowhere)).values()
    const isNew = this.#run.events.length > before
    if (isNew && append.ending?.status === 'queued') this.#failures += 1
    return [expected, actual]
  }

  /** Numbers what is appended, to tell an append from its repetition. */
  #count = 0

  #make({ attempt, from, events, end }: AppendStep): RunAppend {
    const baseSeq = Math.max(0, this.#run.events.length - (from === 'behind' ? 1 : 0))
    const types = Array.from({ length: events }, (_, index) =>
      end === null || index < events - 1 ? 'a' : end === 'queued' ? 'run.retrying' : `run.${end}`,
    )
    return {
      runId: this.#id,
      attempt: this.#run.attempt - (attempt === 'own' ? 0 : 1),
      baseSeq,
      events: types.map((type, index) => ({
        seq: baseSeq + 1 + index,
        type,
        visibility: 'user',
        payload: String((this.#count += 1)),
        ts: '2026-01-01T00:00:00.000Z',
      })),
      ...(end === null ? {} : { ending: endingOf(end) }),
    }
  }
}

function endingOf(end: Exclude<AppendStep['end'], null>): NonNullable<RunAppend['ending']> {
  if (end === 'queued') return { status: 'queued', agentKey: 'a', priority: 0, delayMs: 0, isFailure: true }
  const error = end === 'failed' || end === 'timed_out' ? { message: 'As told.', code: 'test' } : null
  return { status: end, output: null, error, messages: [] }
}
