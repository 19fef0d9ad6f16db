import type { EmittedEvent } from './emitted-event.ts'

/** A type, because an interface cannot be assigned to the JSON type. */
export type Delta = {
  messageId: string
  content: string
  /** The call, when this is a piece of a call's arguments. */
  toolCallId?: string
  tool?: string
}

/**
 * Keeps deltas from ending within a surrogate pair. A half alone is no character, so each would be stored as U+FFFD. A
 * first half is held back until the delta that brings the second.
 */
export class WholeCharacters {
  readonly #halves = new Map<string, { event: EmittedEvent; delta: Delta; half: string }>()

  /** Reduces the delta's content to whole characters. @returns false when nothing is left. */
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

  /** Drops the half that was held back, because the whole message or call has arrived. */
  forget({ type, payload }: EmittedEvent): void {
    if (this.#halves.size === 0) return
    const { messageId, toolCallId } = Object(payload) as { messageId?: unknown; toolCallId?: unknown }
    if (type === 'assistant.message') this.#halves.delete(keyOf('assistant.delta', String(messageId)))
    if (type === 'tool.call') this.#halves.delete(keyOf('tool.input', String(toolCallId)))
  }

  /** Returns the halves whose second half never came, as U+FFFD. */
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
