import { AsyncLocalStorage } from 'node:async_hooks'
import type { Json } from '../contract/json.ts'

interface Speaker {
  /** Begins the ids of messages that have none of their own. */
  prefix: string
  ids: Set<string>
  emitted: number
}

/** What a step that is under way says belongs to it, also where steps run side by side. */
const currentStep = new AsyncLocalStorage<Speaker>()

const MESSAGE_EVENTS = new Set(['assistant.delta', 'assistant.message', 'reasoning.delta'])

/**
 * Which messages of an attempt are void when it is over without an end of its run. What a stored step said
 * stays, since no later attempt says it again; the rest the next attempt says anew.
 */
export class AttemptMessages {
  readonly #outsideOfSteps: Speaker
  readonly #begun = new Set<string>()
  readonly #kept = new Set<string>()

  constructor(runId: string) {
    this.#outsideOfSteps = { prefix: runId, ids: new Set(), emitted: 0 }
  }

  /** An id for a message that has none. In each attempt it is the same, so that what is said again takes its place. */
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

  /** Does a step's work. `messageIds` are those of what it said. */
  async within<T>(key: string, work: () => Promise<T>): Promise<{ result: T; messageIds: string[] }> {
    const speaker: Speaker = { prefix: key, ids: new Set(), emitted: 0 }
    const result = await currentStep.run(speaker, work)
    return { result, messageIds: [...speaker.ids] }
  }

  /** A step that said these is stored. */
  keep(messageIds: readonly string[]): void {
    for (const id of messageIds) this.#kept.add(id)
  }

  get void(): string[] {
    return [...this.#begun].filter((id) => !this.#kept.has(id))
  }
}
