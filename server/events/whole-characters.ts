import type { Json } from '../contract/json.ts'
import type { EmittedEvent } from './run-log.ts'

export interface Delta {
  messageId: string
  content: string
}

/**
 * Keeps deltas from ending within a surrogate pair: alone, neither half is a character, and both would be stored
 * as U+FFFD. A first half is held back until the delta that brings the second.
 */
export class WholeCharacters {
  readonly #halves = new Map<string, { event: EmittedEvent; delta: Delta; half: string }>()

  /** Changes what the delta holds to what may be told now. @returns false when that is nothing. */
  take(event: EmittedEvent, delta: Delta): boolean {
    if (this.#halves.size === 0 && !endsInHalf(delta.content)) return true
    const key = keyOf(event.type, delta.messageId)
    const content = (this.#halves.get(key)?.half ?? '') + delta.content
    const isEmpty = content === ''
    this.#halves.delete(key)
    delta.content = content
    if (endsInHalf(content)) {
      delta.content = content.slice(0, -1)
      this.#halves.set(key, { event, delta, half: content.slice(-1) })
    }
    return isEmpty || delta.content !== ''
  }

  /** Drops the half held back: the whole message has come, so it is no longer needed. */
  forget(payload: Json): void {
    if (this.#halves.size === 0) return
    const { messageId } = Object(payload) as { messageId?: unknown }
    this.#halves.delete(keyOf('assistant.delta', String(messageId)))
  }

  /** Gives out the halves whose second half never came, as U+FFFD. */
  rest(): EmittedEvent[] {
    const left = [...this.#halves.values()]
    this.#halves.clear()
    return left.map(({ event, delta }) => ({
      ...event,
      payload: { messageId: delta.messageId, content: '\ufffd' },
    }))
  }
}

const keyOf = (type: string, messageId: string) => `${type} ${messageId}`

function endsInHalf(text: string): boolean {
  const code = text.charCodeAt(text.length - 1)
  return code >= 0xd800 && code <= 0xdbff
}
