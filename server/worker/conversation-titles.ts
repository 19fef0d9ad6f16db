import { aborted } from '../concurrency/aborted.ts'
import { UpdateConversationInput } from '../contract/conversation.ts'
import type { Message } from '../contract/message.ts'
import type { Owner } from '../contract/principal.ts'
import { assertStorable } from '../contract/storable-json.ts'
import { answerInTime } from '../domain/answer-in-time.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { Logger } from '../ports/logger.ts'
import type { Model } from '../ports/model.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'

/** What `conversationTitle` is given. */
export interface TitleRequest {
  conversationId: string
  /** The agent of the run that ended. */
  agentKey: string
  owner: Owner
  /** The newest 20 messages of the conversation, oldest first. */
  messages: readonly Message[]
  /** As `ctx.llm` is. */
  model: Model
  /** Aborts when the worker stops. */
  signal: AbortSignal
}

/** Makes a title of what was said; nothing, or null, leaves it as it is. */
export type ConversationTitle = (
  request: TitleRequest,
) => string | null | undefined | void | Promise<string | null | undefined | void>

export interface TitlePorts {
  store: Pick<ConversationStore, 'askForTitle' | 'setTitle' | 'readHistory'>
  llm: Model
  log: Logger
  /** Default: titles are what users said first. */
  conversationTitle?: ConversationTitle | undefined
}

const NEWEST_MESSAGES = 20
const ANSWER_WITHIN_MS = 60_000

/** Asks the application for titles after runs that ended well, which do not wait for it. */
export class ConversationTitles {
  readonly #ports: TitlePorts
  readonly #stopping = new AbortController()
  readonly #underWay = new Set<Promise<void>>()

  constructor(ports: TitlePorts) {
    this.#ports = ports
  }

  /** Asks for one if nobody has. Never rejects. */
  consider({ id: runId, conversationId, agentKey }: ClaimedRun): void {
    const { conversationTitle, log } = this.#ports
    if (conversationTitle === undefined || conversationId === null) return
    const asked = this.#title({ conversationId, agentKey }, conversationTitle)
      .catch((error: unknown) =>
        log.warn({ err: error, runId, conversationId }, 'there is no title from conversationTitle'),
      )
      .then(() => void this.#underWay.delete(asked))
    this.#underWay.add(asked)
  }

  /** Resolves when all titles that were asked for are done. Never rejects. */
  async over(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  abort(): void {
    this.#stopping.abort()
  }

  async #title(
    of: Pick<TitleRequest, 'conversationId' | 'agentKey'>,
    conversationTitle: ConversationTitle,
  ): Promise<void> {
    const { store, llm: model } = this.#ports
    const { signal } = this.#stopping
    const owner = await store.askForTitle(of.conversationId)
    if (owner === null) return
    const { messages } = await store.readHistory({ ...owner, scope: 'own' }, of.conversationId, {
      limit: NEWEST_MESSAGES,
      offset: 0,
      includeFailedRuns: false,
    })
    const answer = await answerInTime(
      Promise.race([
        conversationTitle({ ...of, owner, messages, model, signal }),
        aborted(signal).then(() => {
          throw new Error('The worker stopped meanwhile.')
        }),
      ]),
      ANSWER_WITHIN_MS,
      () => new Error('There was no answer in time.'),
    )
    const title = UpdateConversationInput.shape.title.parse(answer)?.trim()
    if (title === undefined || title === '') return
    assertStorable(title)
    await store.setTitle(of.conversationId, title)
  }
}
