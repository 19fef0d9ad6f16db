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

/** What a step that is under way says belongs to it, also where steps run side by side. */
const currentStep = new AsyncLocalStorage<Speaker>()

const MESSAGE_EVENTS = new Set(['assistant.delta', 'assistant.message', 'reasoning.delta', 'tool.input'])

/**
 * Which messages are void when an attempt ends and its run does not. Messages of a stored step stay, since no later
 * attempt repeats that step. The next attempt says the others again.
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

  /** What the agent answers with, by the ids of the events that told it: what is read live and what is stored are one. */
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

  /** Does a step's work. `messageIds` names the messages that it emitted. */
  async within<T>(key: string, work: () => Promise<T>): Promise<{ result: T; messageIds: string[] }> {
    const speaker: Speaker = { prefix: key, ids: new Set(), emitted: 0 }
    const result = await currentStep.run(speaker, work)
    return { result, messageIds: [...speaker.ids] }
  }

  /** Whether the calling code is that of a step. */
  get isInStep(): boolean {
    return currentStep.getStore() !== undefined
  }

  /** Keeps these messages: the step that emitted them is stored. */
  keep(messageIds: readonly string[]): void {
    for (const id of messageIds) this.#kept.add(id)
  }

  /** Makes these void: what told them is forgotten. */
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
