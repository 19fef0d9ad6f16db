import { AsyncLocalStorage } from 'node:async_hooks'
import type { Json } from '../contract/json.ts'

interface Speaker {
  /** The prefix of ids that are made for messages without one. */
  prefix: string
  ids: Set<string>
  emitted: number
}

/** What a step that is under way says belongs to it, also where steps run side by side. */
const currentStep = new AsyncLocalStorage<Speaker>()

const MESSAGE_EVENTS = new Set(['assistant.delta', 'assistant.message', 'reasoning.delta'])

/**
 * Which messages are void when an attempt ends and its run does not. Messages of a stored step stay, since no later
 * attempt repeats that step. The next attempt says the others again.
 */
export class AttemptMessages {
  readonly #outsideOfSteps: Speaker
  readonly #begun = new Set<string>()
  readonly #kept = new Set<string>()

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
    const { messageId } = payload as { messageId?: unknown }
    if (typeof messageId !== 'string') return
    this.#begun.add(messageId)
    currentStep.getStore()?.ids.add(messageId)
  }

  /** Does a step's work. `messageIds` names the messages that it emitted. */
  async within<T>(key: string, work: () => Promise<T>): Promise<{ result: T; messageIds: string[] }> {
    const speaker: Speaker = { prefix: key, ids: new Set(), emitted: 0 }
    const result = await currentStep.run(speaker, work)
    return { result, messageIds: [...speaker.ids] }
  }

  /** Keeps these messages: the step that emitted them is stored. */
  keep(messageIds: readonly string[]): void {
    for (const id of messageIds) this.#kept.add(id)
  }

  get void(): string[] {
    return [...this.#begun].filter((id) => !this.#kept.has(id))
  }
}
