// The messages of a loop as its model is sent them: within its window, since older ones give place to a summary.
import type { AgentMessage } from '../contract/message.ts'
import type { Model, TokenUsage, ToolSpec } from '../ports/model.ts'
import type { Compaction } from './compaction.ts'
import type { AgentContext } from './context.ts'
import { estimateTokens, estimateToolTokens } from './estimate-tokens.ts'
import { safeCuts } from './safe-cuts.ts'
import { sumUp, summaryStep } from './summarise.ts'

const THRESHOLD = 0.8
const KEPT_SHARE = 0.25
/** A summary costs a call of a model, so what it takes the place of has this share of the window at least. */
const LEAST_SHARE = 0.1

export interface SentMessages {
  /** Whether the loop sums up at all. */
  readonly isFitted: boolean
  readonly list: readonly AgentMessage[]
  add(...messages: readonly AgentMessage[]): void
  /** What the provider counted in the last request and its answer, which is in the list by now. */
  measure(usage: TokenUsage): void
  /**
   * Sums up older messages where the next request would fill the window.
   *
   * @param isFull whether the provider has refused the request as too long.
   * @returns what it took; undefined where nothing was summed up.
   */
  fit(
    request: { model: Model; tools: readonly ToolSpec[] },
    isFull?: boolean,
  ): Promise<TokenUsage | undefined>
}

interface Ports {
  ctx: Pick<AgentContext, 'step' | 'emit' | 'log'>
  /** A model, whose calls count towards the run. */
  counted(model: Model): Model
  /** The most tokens that a request to the model may have; null where that is not known. */
  windowOf(model: Model): number | null
}

/** @param options undefined for a loop that sums up nothing. */
export function createSentMessages(
  ports: Ports,
  given: readonly AgentMessage[],
  options: Compaction | undefined,
): SentMessages {
  const { ctx, windowOf } = ports
  let list = [...given]
  let summary: AgentMessage | undefined
  let measured: { tokens: number; messages: number } | undefined
  let isUnknownTold = false

  function tokensNow(tools: readonly ToolSpec[]): number {
    if (measured === undefined) return estimateTokens(list) + estimateToolTokens(tools)
    return measured.tokens + estimateTokens(list.slice(measured.messages))
  }

  function windowFor(model: Model): number {
    const window = options?.contextWindow ?? windowOf(model)
    if (window !== null) return window
    if (!isUnknownTold) {
      ctx.log.warn(
        { model: model.name },
        'the window of a model is not known: messages are summed up only once its provider refuses them. Set compaction.contextWindow',
      )
    }
    isUnknownTold = true
    return Infinity
  }

  return {
    isFitted: options !== undefined,
    get list() {
      return list
    },
    add: (...messages) => void list.push(...messages),
    measure({ inputTokens, outputTokens }) {
      // Of a provider that does not count, nothing is known.
      if (inputTokens > 0) measured = { tokens: inputTokens + outputTokens, messages: list.length }
    },
    async fit({ model, tools }, isFull = false) {
      if (options === undefined) return undefined
      const tokensBefore = tokensNow(tools)
      const known = windowFor(model)
      if (!isFull && tokensBefore <= known * (options.threshold ?? THRESHOLD)) return undefined
      // What was refused as too long is more than the window.
      const window = isFull ? Math.min(known, tokensBefore) : known
      const share = window * KEPT_SHARE
      const keepTokens = isFull ? Math.min(options.keepTokens ?? share, share) : (options.keepTokens ?? share)
      const { covered, kept } = divide(list, { keepTokens, summary })
      const size = estimateTokens(covered)
      if (covered.every((message) => message === summary)) return undefined
      if (!isFull && size < window * LEAST_SHARE) return undefined

      const { text, usage } = await sumUp(ports, covered, { model, window, options })
      summary = toMessage(text)
      const instructions = kept.findIndex(({ role }) => role !== 'system')
      list = kept.toSpliced(instructions === -1 ? kept.length : instructions, 0, summary)
      measured = undefined
      const messageId = summaryStep(covered)
      const tokensAfter = Math.max(0, tokensBefore - size) + estimateTokens([summary])
      const about = { summary: text, messages: covered.length, tokensBefore, tokensAfter }
      await ctx.emit('context.compacted', { messageId, ...about }, { once: true })
      return usage
    },
  }
}

/**
 * Which messages give place to a summary, and which stay: instructions, what the user said last, and the newest. Calls of tools and
 * their results stay together.
 */
function divide(
  list: readonly AgentMessage[],
  { keepTokens, summary }: { keepTokens: number; summary: AgentMessage | undefined },
): { covered: AgentMessage[]; kept: AgentMessage[] } {
  const cuts = safeCuts(list)
  let first = list.length
  for (let tokens = 0; first > 0; first -= 1) {
    tokens += estimateTokens(list.slice(first - 1, first))
    if (tokens > keepTokens) break
  }
  // The model needs what it has just been told, however long that is.
  const cut = cuts.find((each) => each >= first) ?? cuts.at(-1) ?? 0
  const question = list.findLast((message) => message.role === 'user' && message !== summary)
  const stays = (message: AgentMessage, index: number) =>
    index >= cut || message.role === 'system' || message === question
  return {
    covered: list.filter((message, index) => !stays(message, index)),
    kept: list.filter(stays),
  }
}

/** The user's: what tools have found is in it, and must not speak with the weight of instructions. */
function toMessage(summary: string): AgentMessage {
  return {
    role: 'user',
    content: `<summary>\nThe conversation so far, summed up since it was too long:\n\n${summary}\n</summary>`,
  }
}
