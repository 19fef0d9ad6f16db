import type { EmittedEvent } from './emitted-event.ts'

/** A type and not an interface: it is JSON. */
export type Delta = {
  messageId: string
  content: string
  /** Of a piece of a call's arguments, whose call it is. */
  toolCallId?: string
  tool?: string
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
    const key = keyOf(event.type, delta.toolCallId ?? delta.messageId)
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

  /** Drops the half held back: the whole message, or call, has come, so it is no longer needed. */
  forget({ type, payload }: EmittedEvent): void {
    if (this.#halves.size === 0) return
    const { messageId, toolCallId } = Object(payload) as { messageId?: unknown; toolCallId?: unknown }
    if (type === 'assistant.message') this.#halves.delete(keyOf('assistant.delta', String(messageId)))
    if (type === 'tool.call') this.#halves.delete(keyOf('tool.input', String(toolCallId)))
  }

  /** Gives out the halves whose second half never came, as U+FFFD. */
  rest(): EmittedEvent[] {
    const left = [...this.#halves.values()]
    this.#halves.clear()
    return left.map(({ event, delta }) => ({
      ...event,
      payload: { ...delta, content: '\ufffd' },
    }))
  }
}

const keyOf = (type: string, id: string) => `${type} ${id}`

function endsInHalf(text: string): boolean {
  const code = text.charCodeAt(text.length - 1)
  return code >= 0xd800 && code <= 0xdbff
}
