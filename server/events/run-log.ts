import type { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Json } from '../contract/json.ts'
import { MAX_PAYLOAD_CHARACTERS } from '../ports/attempt.ts'
import type { AppendOutcome, AttemptEnding, NewEvent, RunAppend } from '../ports/attempt.ts'
import { toStorableJson } from '../contract/storable-json.ts'
import { AttemptMessages } from './attempt-messages.ts'
import type { EmittedEvent } from './emitted-event.ts'
import { WholeCharacters } from './whole-characters.ts'
import type { Delta } from './whole-characters.ts'

/** An attempt's last event, or the last ones. */
export type LastEvents = EmittedEvent | readonly [...EmittedEvent[], EmittedEvent]

/** `refused`: the store can't hold the events, so it wrote none of them. */
export type Settlement = AppendOutcome | 'refused'

interface PendingEvent extends Omit<EmittedEvent, 'payload'> {
  /** Text, since an agent may go on changing the object it emitted. Deltas stay open to be joined. */
  payload: string | Delta
  bytes: number
}

/** Longest text that deltas are joined to. A longer one would keep readers waiting and make large rows. */
const MAX_COALESCED_CHARACTERS = 8_192
/** What a row costs beside its payload, roughly. */
const EVENT_OVERHEAD_BYTES = 100

/**
 * What one attempt has emitted and the store has not confirmed yet, in order. Sequence numbers are
 * given when events leave for the store: `#writtenSeq` only moves when a write is confirmed.
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
  /** The last `count` pending events are the ending's: they leave together. */
  #ending: { value: AttemptEnding; count: number; settle: PromiseWithResolvers<Settlement> } | undefined
  /** How many of the pending events are in the append under way. */
  #inFlight: RunAppend | undefined
  #lost = false
  #refusal: AgentRuntimeError | undefined

  constructor(run: { id: string; attempt: number; lastSeq: number }) {
    this.runId = run.id
    this.attempt = run.attempt
    this.messages = new AttemptMessages(run.id)
    this.#writtenSeq = run.lastSeq
  }

  /** False once the attempt ended, was lost, or emitted what can't be stored: nothing more is taken. */
  get isOpen(): boolean {
    return !this.#lost && this.#refusal === undefined && this.#ending === undefined
  }

  get hasPending(): boolean {
    return !this.#lost && this.#pending.length > 0
  }

  /**
   * @returns the bytes this adds to what is buffered.
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
   * Adds the attempt's last event and how it ends; where another attempt follows that failed to come to an end, it
   * names the messages that are void. Of several events all are stored with the ending, or none. Resolves with what the store made of it.
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

  /** The next append: the same one again until it is settled, so that a repeated write is recognised. */
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

  /** Takes one event at least, however large, or that one would never leave. */
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
        // Only the ending is refused. The events before it go along with the next ending.
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
   * Drops what the store refused. The attempt fails, and its next ending tells why.
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

  /** Why the store refuses these events. Undefined while it does not. */
  get refusal(): AgentRuntimeError | undefined {
    return this.#refusal
  }

  get writtenSeq(): number {
    return this.#writtenSeq
  }

  #coalesce(event: EmittedEvent, delta: Delta): number | undefined {
    const last = this.#pending.at(-1)
    // An event on its way to the store must not change, or a repeat would differ.
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

/** A copy of its own, to be joined to. Payloads of the runtime's types are not checked before they come here. */
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
    `An event "${type}" of ${characters} characters is too large: up to ${MAX_PAYLOAD_CHARACTERS} can be emitted. Keep the data elsewhere and emit where it is.`,
  )
}

function bufferedBytes(events: readonly PendingEvent[]): number {
  return events.reduce((sum, event) => sum + event.bytes, 0)
}
