import { isTerminalEvent } from '../../../../server/contract/terminal.ts'
import type { RunLog } from '../../../../server/events/run-log.ts'
import type { EventWriter } from '../../../../server/events/writer.ts'
import type { RunEnding } from '../../../../server/ports/attempt.ts'
import type { FakeEventStore } from '../../../support/fake-event-store.ts'
import { event } from './create-writer.ts'

const SUCCESS: RunEnding = { status: 'succeeded', output: null, error: null, messages: [] }
const CANCELLED: RunEnding = { ...SUCCESS, status: 'cancelled' }

/** Emits numbered events through the writer, and knows what the store must have. */
export class NumberedAgent {
  readonly id: string
  readonly #writer: EventWriter
  readonly #store: FakeEventStore
  readonly #log: RunLog
  #emitted = 'run.started '
  #count = 0
  #ending = false

  constructor(writer: EventWriter, store: FakeEventStore, id: string) {
    this.#writer = writer
    this.#store = store
    this.id = id
    this.#log = writer.open(store.add(id))
  }

  emit(kind: 'delta' | 'other'): Promise<void> {
    if (!this.#log.isOpen) return Promise.resolve()
    const content = `${this.#count} `
    this.#count += 1
    this.#emitted += content
    const isDelta = kind === 'delta'
    const sent = isDelta ? event('assistant.delta', { messageId: 'm', content }) : event('other', { content })
    return this.#writer.emit(this.#log, sent)
  }

  async end(): Promise<void> {
    if (this.#ending) return
    this.#ending = true
    const outcome = await this.#writer.end(this.#log, event('run.succeeded', {}), SUCCESS)
    if (outcome === 'cancel-requested')
      await this.#writer.end(this.#log, event('run.cancelled', {}), CANCELLED)
  }

  cancel(): void {
    const row = this.#store.run(this.id)
    if (row.status === 'running') row.cancelRequested = true
  }

  fence(): void {
    this.#store.run(this.id).attempt += 1
  }

  /** In the end, the store has all of them; of a fenced attempt, the first ones. */
  problems(): string[] {
    const { events, attempt, status, cancelRequested } = this.#store.run(this.id)
    const problems: string[] = []
    if (events.some(({ seq }, index) => seq !== index + 1)) problems.push('the numbers have gaps')
    const ends = events.filter(({ type }) => isTerminalEvent(type))
    const text = events
      .filter((each) => !ends.includes(each))
      .map(({ payload }) => (payload as { content?: string }).content ?? 'run.started ')
      .join('')
    if (!this.#emitted.startsWith(text)) problems.push(`"${text}" is no beginning of "${this.#emitted}"`)
    if (attempt === 1 && text !== this.#emitted) problems.push(`"${text}" is not all of "${this.#emitted}"`)
    if (ends.length > 1) problems.push('it ended more than once')
    if (ends.length === 1 && ends[0] !== events.at(-1)) problems.push('something follows its end')
    if ((ends.length === 1) !== (status !== 'running')) problems.push('status and events disagree on its end')
    if (status === 'succeeded' && cancelRequested) problems.push('it succeeded after it was cancelled')
    if (this.#ending && attempt === 1 && status === 'running') problems.push('it did not end')
    return problems
  }
}
