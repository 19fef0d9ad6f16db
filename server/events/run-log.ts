import type { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Json } from '../contract/json.ts'
import { MAX_PAYLOAD_CHARACTERS } from '../ports/attempt.ts'
import type { AppendOutcome, AttemptEnding, NewEvent, RunAppend } from '../ports/attempt.ts'
import { toStorableJson } from '../contract/storable-json.ts'
import { AttemptMessages } from './attempt-messages.ts'
import type { EmittedEvent } from './emitted-event.ts'
import { WholeCharacters } from './whole-characters.ts'
import type { Delta } from './whole-characters.ts'

/** An attempt's last event, or its last events. */
export type LastEvents = EmittedEvent | readonly [...EmittedEvent[], EmittedEvent]

/** `refused`: the store cannot hold the events and wrote none of them. */
export type Settlement = AppendOutcome | 'refused'

interface PendingEvent extends Omit<EmittedEvent, 'payload'> {
  /**
   * Encoded at once, since the agent may change the object later. A delta stays an object, so that the next can be
   * joined to it.
   */
  payload: string | Delta
  bytes: number
}

/** The longest text that deltas are joined to. A longer one would make large rows and keep readers waiting. */
const MAX_COALESCED_CHARACTERS = 8_192
/** Roughly what a row costs beside its payload. */
const EVENT_OVERHEAD_BYTES = 100

/**
 * The events of one attempt that the store has not confirmed yet, in order. They get their `seq` when they leave for
 * the store; `#writtenSeq` advances only when a write is confirmed.
 */
export class RunLog {
  readonly runId: string
  readonly attempt: number
  readonly messages: AttemptMessages
  /** W3C trace context of the attempt, where it is traced. */
  traceparent: string | null = null
  readonly #characters = new WholeCharacters()
  #writtenSeq: number
  #pending: PendingEvent[] = []
  /** The last `count` pending events belong to the ending. They leave together. */
  #ending: { value: AttemptEnding; count: number; settle: PromiseWithResolvers<Settlement> } | undefined
  /** The append under way, with the first of the pending events. */
  #inFlight: RunAppend | undefined
  #lost = false
  #refusal: AgentRuntimeError | undefined

  constructor(run: { id: string; attempt: number; lastSeq: number }) {
    this.runId = run.id
    this.attempt = run.attempt
    this.messages = new AttemptMessages(run.id)
    this.#writtenSeq = run.lastSeq
  }

  /** False once the attempt ended, was lost, or emitted events that cannot be stored. Then it accepts nothing more. */
  get isOpen(): boolean {
    return !this.#lost && this.#refusal === undefined && this.#ending === undefined
  }

  get hasPending(): boolean {
    return !this.#lost && this.#pending.length > 0
  }

  /**
   * @returns the bytes that this adds to the buffer.
   * @throws RangeError when the payload is too large.
   */
  push(event: EmittedEvent): number {
    this.messages.note(event.type, event.payload)
    const delta = asDelta(event)
    if (delta !== undefined && !this.#characters.take(event, delta)) return 0
    if (delta === undefined) this.#characters.forget(event)
    const added = delta === undefined ? undefined : this.#coalesce(event, delta)
    if (added !== undefined) return added
    const payload = delta ?? toStorableJson(event.payload)
    const characters = typeof payload === 'string' ? payload.length : payload.content.length
    if (characters > MAX_PAYLOAD_CHARACTERS) throw tooLarge(event.type, characters)
    const bytes = EVENT_OVERHEAD_BYTES + characters
    this.#pending.push({ ...event, payload, bytes })
    return bytes
  }

  /**
   * Adds the attempt's last events and its ending. The store writes all of them with the ending, or none. When the run
   * is queued again, the last event also names the void messages. Resolves with the store's outcome.
   */
  end(last: LastEvents, ending: AttemptEnding): Promise<Settlement> {
    const [event, ...before] = Array.isArray(last) ? last.toReversed() : [last]
    const settle = Promise.withResolvers<Settlement>()
    if (this.#lost) return Promise.resolve('fenced')
    for (const half of this.#characters.rest()) {
      this.#pending.push({ ...half, payload: toStorableJson(half.payload), bytes: 0 })
    }
    for (const one of before.toReversed())
      this.#pending.push({ ...one, payload: toStorableJson(one.payload), bytes: 0 })
    const { payload } = event
    const told = ending.status === 'queued' ? { ...Object(payload), messageIds: this.messages.void } : payload
    this.#pending.push({ ...event, payload: toStorableJson(told), bytes: 0 })
    const isAnswered = 'messages' in ending && ending.messages.length > 0
    const value = isAnswered ? { ...ending, messages: this.messages.named(ending.messages) } : ending
    this.#ending = { value, count: before.length + 1, settle }
    return settle.promise
  }

  /** The next append. It stays the same until it is settled, so that the store recognises a repeated write. */
  nextAppend({ maxEvents, maxBytes }: { maxEvents: number; maxBytes: number }): RunAppend {
    if (this.#inFlight !== undefined) return this.#inFlight
    const taken = this.#pending.slice(0, this.#countWithin(maxEvents, maxBytes))
    const events: NewEvent[] = taken.map((event, index) => ({
      seq: this.#writtenSeq + 1 + index,
      type: event.type,
      visibility: event.visibility,
      payload: typeof event.payload === 'string' ? event.payload : toStorableJson(event.payload),
      ts: event.ts,
    }))
    const endsNow = this.#ending !== undefined && taken.length === this.#pending.length
    this.#inFlight = {
      runId: this.runId,
      attempt: this.attempt,
      baseSeq: this.#writtenSeq,
      events,
      ...(this.traceparent === null ? {} : { traceparent: this.traceparent }),
      ...(endsNow && this.#ending !== undefined ? { ending: this.#ending.value } : {}),
    }
    return this.#inFlight
  }

  /** Takes at least one event, however large, or that one would never leave. */
  #countWithin(maxEvents: number, maxBytes: number): number {
    let bytes = 0
    const whole = this.#pending.length - (this.#ending?.count ?? 0)
    const end = this.#pending.findIndex((event, index) => {
      bytes += event.bytes
      return index >= maxEvents || (index > 0 && bytes > maxBytes)
    })
    if (end === -1 || whole <= 0) return this.#pending.length
    return Math.min(end, whole)
  }

  /** @returns the bytes that left the buffer. */
  settle(outcome: AppendOutcome): number {
    const append = this.#inFlight
    this.#inFlight = undefined
    const ending = append?.ending === undefined ? undefined : this.#ending
    switch (outcome) {
      case 'written': {
        const count = append?.events.length ?? 0
        this.#writtenSeq += count
        const freed = bufferedBytes(this.#pending.splice(0, count))
        ending?.settle.resolve(outcome)
        return freed
      }
      case 'cancel-requested': {
        // Only the ending is refused. The earlier events are written again, with the next ending at the latest.
        if (ending !== undefined) this.#pending.splice(-ending.count)
        this.#ending = undefined
        ending?.settle.resolve(outcome)
        return 0
      }
      case 'fenced': {
        const freed = bufferedBytes(this.#pending)
        this.#lost = true
        this.#pending = []
        this.#ending?.settle.resolve(outcome)
        return freed
      }
    }
  }

  /**
   * Drops the events that the store refused. The attempt then fails, and its ending says why.
   *
   * @returns the bytes that left the buffer.
   */
  refuse(refusal: AgentRuntimeError): number {
    const freed = bufferedBytes(this.#pending)
    this.#inFlight = undefined
    this.#refusal = refusal
    this.#pending = []
    this.#ending?.settle.resolve('refused')
    this.#ending = undefined
    return freed
  }

  /** Why the store refused the events. Undefined when it did not. */
  get refusal(): AgentRuntimeError | undefined {
    return this.#refusal
  }

  get writtenSeq(): number {
    return this.#writtenSeq
  }

  #coalesce(event: EmittedEvent, delta: Delta): number | undefined {
    const last = this.#pending.at(-1)
    // An event on its way to the store must not change, or a repeated write would differ.
    const isMutable = this.#pending.length > (this.#inFlight?.events.length ?? 0)
    if (last === undefined || !isMutable) return undefined
    if (last.type !== event.type || last.visibility !== event.visibility) return undefined
    if (typeof last.payload === 'string' || !isSame(last.payload, delta)) return undefined
    if (last.payload.content.length + delta.content.length > MAX_COALESCED_CHARACTERS) return undefined
    last.payload.content += delta.content
    last.bytes += delta.content.length
    return delta.content.length
  }
}

/** A copy of the payload, to which later deltas can be joined. Nothing has checked the payload before. */
function asDelta({ type, payload }: EmittedEvent): Delta | undefined {
  if (type !== 'assistant.delta' && type !== 'reasoning.delta' && type !== 'tool.input') return undefined
  const { messageId, content, toolCallId, tool } = payload as Partial<Record<keyof Delta, Json>>
  if (typeof messageId !== 'string' || typeof content !== 'string') return undefined
  if (type !== 'tool.input') return { messageId, content }
  const isOfCall = typeof toolCallId === 'string' && typeof tool === 'string'
  return isOfCall ? { toolCallId, tool, content, messageId } : undefined
}

const isSame = (one: Delta, other: Delta) =>
  one.messageId === other.messageId && one.toolCallId === other.toolCallId

function tooLarge(type: string, characters: number): RangeError {
  return new RangeError(
    `An event "${type}" of ${characters} characters is too large: at most ${MAX_PAYLOAD_CHARACTERS} can be emitted. Store the data elsewhere and emit a reference to it.`,
  )
}

function bufferedBytes(events: readonly PendingEvent[]): number {
  return events.reduce((sum, event) => sum + event.bytes, 0)
}
