import { isTerminal, isTerminalEvent } from '../../server/contract/terminal.ts'
import type { AnyRunEvent } from '../../server/contract/event.ts'
import type { Json } from '../../server/contract/json.ts'
import type { RunStatus } from '../../server/contract/run.ts'
import type { AppendOutcome, NewEvent, RunAppend } from '../../server/ports/attempt.ts'

export interface FakeRun {
  attempt: number
  status: RunStatus
  cancelRequested: boolean
  events: AnyRunEvent[]
}

/**
 * The store's rules for appending and reading, in memory. The real store's SQL has the same ones. A wrong
 * sequence number, or an event after the end, is an error of the writer.
 */
export class FakeEventStore {
  readonly runs = new Map<string, FakeRun>()

  /** A run that a worker has claimed. Its first event exists. */
  add(runId: string): { id: string; attempt: number; lastSeq: number } {
    const run: FakeRun = { attempt: 1, status: 'running', cancelRequested: false, events: [] }
    this.runs.set(runId, run)
    this.emit(runId, 'run.started', { agentKey: 'test' })
    return { id: runId, attempt: 1, lastSeq: 1 }
  }

  /** Writes an event like a worker's flush. */
  emit(runId: string, type: string, payload: Json): void {
    const run = this.run(runId)
    const seq = run.events.length + 1
    const ts = new Date(seq).toISOString()
    run.events.push({ runId, seq, attempt: run.attempt, type, visibility: 'user', ts, payload })
  }

  run(runId: string): FakeRun {
    const run = this.runs.get(runId)
    if (run === undefined) throw new Error(`no run ${runId}`)
    return run
  }

  async append(batch: readonly RunAppend[]): Promise<Map<string, AppendOutcome>> {
    if (new Set(batch.map((append) => append.runId)).size < batch.length)
      throw new Error('a run twice in a batch')
    return new Map(batch.map((append) => [append.runId, this.#appendTo(this.run(append.runId), append)]))
  }

  async readEvents(runId: string, afterSeq: number, limit: number): Promise<AnyRunEvent[]> {
    return this.run(runId)
      .events.filter(({ seq }) => seq > afterSeq)
      .slice(0, limit)
  }

  readNewEvents(runId: string, afterSeq: number, limit: number): Promise<AnyRunEvent[]> {
    return this.readEvents(runId, afterSeq, limit)
  }

  #appendTo(run: FakeRun, append: RunAppend): AppendOutcome {
    if (append.events.length === 0) throw new Error('an append without events')
    if (append.attempt !== run.attempt) return 'fenced'
    const repeated = run.events.length === append.baseSeq + append.events.length
    if (repeated && run.status === (append.ending?.status ?? 'running')) return 'written'
    if (run.status !== 'running' || run.events.length !== append.baseSeq) return 'fenced'
    const status = append.ending?.status
    if (status !== undefined && status !== 'cancelled' && run.cancelRequested) return 'cancel-requested'
    if (status === 'cancelled' && !run.cancelRequested) return 'fenced'
    for (const event of append.events) run.events.push(toEvent(append, event, run.events.length + 1))
    if (isTerminalEvent(append.events.at(-1)?.type ?? '') !== (status !== undefined && isTerminal(status))) {
      throw new Error('the terminal event and the end of the run do not come together')
    }
    run.status = status ?? run.status
    return 'written'
  }
}

function toEvent({ runId, attempt }: RunAppend, event: NewEvent, expectedSeq: number): AnyRunEvent {
  if (event.seq !== expectedSeq) throw new Error(`seq ${event.seq} came where ${expectedSeq} was due`)
  return { ...event, runId, attempt, payload: JSON.parse(event.payload) as Json }
}
