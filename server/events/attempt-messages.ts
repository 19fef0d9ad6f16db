import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import type { Json } from '../contract/json.ts'
import type { AgentMessage } from '../contract/message.ts'

interface Speaker {
  /** The prefix of ids that are made for messages without one. */
  prefix: string
  ids: Set<string>
  emitted: number
}

/** The step that the calling code belongs to, also when steps run in parallel. */
const currentStep = new AsyncLocalStorage<Speaker>()

const MESSAGE_EVENTS = new Set(['assistant.delta', 'assistant.message', 'reasoning.delta', 'tool.input'])

/**
 * Tells which messages are void when an attempt ends but its run does not. Messages of a stored step stay valid, since
 * no later attempt repeats the step. The next attempt emits the others again.
 */
export class AttemptMessages {
  readonly #outsideOfSteps: Speaker
  readonly #begun = new Set<string>()
  readonly #kept = new Set<string>()
  /** The ids of the messages that have a text, by its key. */
  readonly #saidAs = new Map<string, string[]>()

  constructor(runId: string) {
    this.#outsideOfSteps = { prefix: runId, ids: new Set(), emitted: 0 }
  }

  /** An id for a message that has none. Each attempt makes the same ids, so a repeated message replaces the first. */
  nextId(): string {
    const speaker = currentStep.getStore() ?? this.#outsideOfSteps
    speaker.emitted += 1
    return `${speaker.prefix}:emitted-${speaker.emitted}`
  }

  note(type: string, payload: Json): void {
    if (!MESSAGE_EVENTS.has(type) || typeof payload !== 'object' || payload === null) return
    const { messageId, content } = payload as { messageId?: unknown; content?: unknown }
    if (typeof messageId !== 'string') return
    if (type === 'assistant.message' && typeof content === 'string') this.#noteText(messageId, content)
    this.#begun.add(messageId)
    currentStep.getStore()?.ids.add(messageId)
  }

  #noteText(messageId: string, content: string): void {
    const text = keyOf(content)
    const ids = this.#saidAs.get(text) ?? []
    if (!ids.includes(messageId)) this.#saidAs.set(text, [...ids, messageId])
  }

  /**
   * Gives the agent's result the ids of the events with the same text, so that a message has one id live and stored.
   */
  named(messages: readonly AgentMessage[]): AgentMessage[] {
    const taken = new Set(messages.flatMap(({ id }) => id ?? []))
    return messages.map((message) => {
      if (message.id !== undefined || message.role !== 'assistant' || typeof message.content !== 'string') {
        return message
      }
      const id = this.#saidAs.get(keyOf(message.content))?.find((said) => !taken.has(said))
      if (id === undefined) return message
      taken.add(id)
      return { ...message, id }
    })
  }

  /** Runs a step's work. `messageIds` are the messages that it emitted. */
  async within<T>(key: string, work: () => Promise<T>): Promise<{ result: T; messageIds: string[] }> {
    const speaker: Speaker = { prefix: key, ids: new Set(), emitted: 0 }
    const result = await currentStep.run(speaker, work)
    return { result, messageIds: [...speaker.ids] }
  }

  /** Whether the calling code runs inside a step. */
  get isInStep(): boolean {
    return currentStep.getStore() !== undefined
  }

  /** Keeps these messages, because the step that emitted them is stored. */
  keep(messageIds: readonly string[]): void {
    for (const id of messageIds) this.#kept.add(id)
  }

  /** Makes these messages void, because the steps that emitted them were deleted. */
  drop(messageIds: readonly string[]): void {
    for (const id of messageIds) {
      this.#begun.add(id)
      this.#kept.delete(id)
    }
  }

  get void(): string[] {
    return [...this.#begun].filter((id) => !this.#kept.has(id))
  }
}

/** Longer texts are known by their digest. */
const MAX_KEPT_TEXT = 256

function keyOf(text: string): string {
  return text.length <= MAX_KEPT_TEXT ? text : createHash('sha256').update(text).digest('base64')
}
