import fc from 'fast-check'
import type { RunStatus } from '../../../../server/contract/run.ts'
import type { CompletedStep, RunAppend } from '../../../../server/ports/attempt.ts'
import type { Store } from '../../../../server/ports/store/store.ts'
import type { ChangedRun } from '../../../../server/ports/upkeep.ts'
import { claim } from '../../../support/store.ts'
import { FakeEventStore } from '../../../support/fake-event-store.ts'

export const MAX_ATTEMPTS = 3
export const OWNER = { id: 'owner', tenantId: '', kind: 'user' } as const

interface AppendStep {
  do: 'append'
  attempt: 'own' | 'older'
  from: 'here' | 'again' | 'behind'
  events: number
  end: 'succeeded' | 'failed' | 'cancelled' | 'timed_out' | 'queued' | 'drained' | null
}
interface HeldStep {
  do: 'renew' | 'checkpoint' | 'step'
  attempt: AppendStep['attempt']
}
interface RecoverStep {
  do: 'recover'
  /** The worker that is declared gone. Its leases have not run out. */
  from: 'holder' | 'another'
}
export type Step = AppendStep | HeldStep | RecoverStep | { do: 'cancel' | 'lose' | 'claim' }

const attempt = fc.constantFrom('own' as const, 'own' as const, 'own' as const, 'older' as const)

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record<AppendStep>({
      do: fc.constant('append'),
      attempt,
      from: fc.constantFrom('here', 'here', 'again', 'behind'),
      events: fc.integer({ min: 1, max: 3 }),
      // Most ends are not final; otherwise most runs would be short.
      end: fc.constantFrom(
        ...[null, null, null, null, null, 'succeeded', 'failed', 'cancelled', 'timed_out'],
        ...['queued', 'queued', 'drained', 'drained'],
      ) as fc.Arbitrary<AppendStep['end']>,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'cancel' as const,
        'lose' as const,
        ...Array.from({ length: 3 }, () => 'claim' as const),
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record<HeldStep>({ do: fc.constantFrom('renew', 'checkpoint', 'step'), attempt }),
  },
  {
    weight: 1,
    arbitrary: fc.record<RecoverStep>({
      do: fc.constant('recover'),
      from: fc.constantFrom('holder', 'another'),
    }),
  },
)

/** The same steps in a store in the test's memory and in PostgreSQL. */
export class Twins {
  readonly #fake = new FakeEventStore()
  readonly #store: Store
  readonly #id: string
  /** A worker of its own, since runs of earlier examples are still claimed. */
  readonly workerId: string
  readonly #steps = new Map<number, CompletedStep>()
  #state: number | undefined
  #failures = 0
  #last: RunAppend | undefined

  constructor(store: Store, id: string) {
    this.#store = store
    this.#id = id
    this.workerId = `worker of ${id}`
    this.#fake.add(id)
  }

  /** The answers of both to a step. */
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
      case 'recover':
        return this.#recover(step)
      case 'renew':
        return this.#renew(step)
      case 'checkpoint':
      case 'step':
        return this.#save(step)
    }
  }

  async events(): Promise<[unknown[], unknown[]]> {
    const rows = await this.#store.readEvents(this.#id, 0, 1_000)
    const shown = (events: typeof rows) => events.map(({ seq, type, attempt }) => ({ seq, type, attempt }))
    return [shown(this.#run.events), shown(rows)]
  }

  async steps(): Promise<[unknown[], unknown[]]> {
    const byOccurrence = (a: CompletedStep, b: CompletedStep) => a.occurrence - b.occurrence
    const stored = await this.#store.readSteps(this.#id)
    return [[...this.#steps.values()].toSorted(byOccurrence), stored.toSorted(byOccurrence)]
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
    const { claimed } = await claim(this.#store, [this.#id], { workerId: this.workerId })
    const actual = claimed.map((run) => [
      run.attempt,
      run.lastSeq,
      run.failures,
      run.cancelRequested,
      run.state,
    ])
    if (this.#run.status !== 'queued') return [[], actual]
    this.#run.attempt += 1
    this.#end('running', 'run.started')
    const { attempt, events } = this.#run
    return [[[attempt, events.length, this.#failures, false, this.#state]], actual]
  }

  async #lose(sql: (text: string, values: unknown[]) => Promise<unknown>): Promise<[unknown, unknown]> {
    await sql(`UPDATE agent_runtime.run SET lease_expires_at = now() - interval '1 second' WHERE id = $1`, [
      this.#id,
    ])
    return this.#recovered(await this.#store.recoverRuns([]), { isLost: true })
  }

  async #recover({ from }: RecoverStep): Promise<[unknown, unknown]> {
    const recovered = await this.#store.recoverRuns([from === 'holder' ? this.workerId : 'another'])
    return this.#recovered(recovered, { isLost: from === 'holder' })
  }

  #recovered(recovered: readonly ChangedRun[], { isLost }: { isLost: boolean }): [unknown, unknown] {
    const actual = recovered.map(({ status, lastSeq }) => [status, lastSeq])
    if (!isLost || this.#run.status !== 'running') return [[], actual]
    this.#failures += 1
    if (this.#run.cancelRequested) this.#end('cancelled', 'run.cancelled')
    else if (this.#failures >= MAX_ATTEMPTS) this.#end('failed', 'run.failed')
    else this.#end('queued', 'run.retrying')
    return [[[this.#run.status, this.#run.events.length]], actual]
  }

  async #renew(step: HeldStep): Promise<[unknown, unknown]> {
    const { cancelRequested } = this.#run
    const actual = await this.#store.renewLeases([{ id: this.#id, attempt: this.#attemptOf(step) }], 60_000)
    return [this.#isHeld(step) ? [{ id: this.#id, cancelRequested, sent: 0 }] : [], actual]
  }

  async #save(step: HeldStep): Promise<[unknown, unknown]> {
    const attempt = this.#attemptOf(step)
    const result = (this.#count += 1)
    const expected = this.#isHeld(step) ? 'written' : 'fenced'
    if (step.do === 'checkpoint') {
      if (expected === 'written') this.#state = result
      return [expected, await this.#store.saveCheckpoint(this.#id, attempt, result)]
    }
    const completed = { name: 'step', occurrence: 1 + (result % 2), result, messageIds: [`m${result}`] }
    if (expected === 'written') this.#steps.set(completed.occurrence, completed)
    const startedAt = '2026-01-01T00:00:00.000Z'
    const actual = await this.#store.saveStep({ id: this.#id, attempt }, { ...completed, startedAt })
    return [expected === 'written' ? { sent: 0 } : expected, actual]
  }

  #isHeld({ attempt }: HeldStep): boolean {
    return attempt === 'own' && this.#run.status === 'running'
  }

  #attemptOf({ attempt }: HeldStep | AppendStep): number {
    return this.#run.attempt - (attempt === 'own' ? 0 : 1)
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
    const [actual] = (await this.#store.append([append])).values()
    const isNew = this.#run.events.length > before
    if (isNew && append.ending?.status === 'queued') this.#failures += append.ending.failures
    return [expected, actual]
  }

  /** Numbers the appends, so that a repeated one is recognised. */
  #count = 0

  #make(step: AppendStep): RunAppend {
    const { from, events, end } = step
    const baseSeq = Math.max(0, this.#run.events.length - (from === 'behind' ? 1 : 0))
    const types = Array.from({ length: events }, (_, index) => (index < events - 1 ? 'a' : lastTypeOf(end)))
    return {
      runId: this.#id,
      attempt: this.#attemptOf(step),
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

function lastTypeOf(end: AppendStep['end']): string {
  if (end === null) return 'a'
  return end === 'queued' || end === 'drained' ? 'run.retrying' : `run.${end}`
}

function endingOf(end: Exclude<AppendStep['end'], null>): NonNullable<RunAppend['ending']> {
  if (end === 'queued' || end === 'drained') {
    return {
      status: 'queued',
      agentKey: 'a',
      priority: 0,
      delayMs: 0,
      failures: end === 'queued' ? 1 : 0,
      losses: 0,
    }
  }
  const error = end === 'failed' || end === 'timed_out' ? { message: 'As told.', code: 'test' } : null
  return { status: end, output: null, error, messages: [] }
}
