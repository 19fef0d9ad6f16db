// Hints as text, without payloads. Every bus sends them. Whoever can send there can send anything, so a message is
// bounded before it is parsed, and each hint in it is checked on its own.
import { z } from 'zod'
import type { Hint, NewHint } from '../ports/event-bus.ts'

/** The most runs that a hint names. For more, every worker looks for itself. */
export const MAX_NAMED_RUNS = 100
/** The most characters of a message. Ours are far smaller. */
export const MAX_TEXT_CHARACTERS = 1_000_000
const MAX_HINTS = 10_000

/** Agent keys have up to 100 characters, and the queues of isolated runs a prefix. */
const Id = z.string().max(200)
const Seq = z.int32().nonnegative()

const BareHint = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('events'), runId: Id, seq: Seq }),
  z.object({ kind: z.literal('cancel'), runId: Id }),
  z.object({ kind: z.literal('deleted'), runId: Id }),
  z.object({ kind: z.literal('conversation'), conversationId: Id }),
  z.object({
    kind: z.literal('queued'),
    agentKey: Id,
    runs: z
      .array(z.object({ runId: Id, seq: Seq, conversationId: Id.optional() }))
      .max(MAX_NAMED_RUNS)
      .optional(),
  }),
  z.object({ kind: z.literal('worker'), workerId: Id, agents: Id, isLeaving: z.boolean() }),
])

export type BareHint = z.infer<typeof BareHint>

const KINDS: ReadonlySet<unknown> = new Set(BareHint.options.map(({ shape }) => shape.kind.value))

export function toBareHint(hint: NewHint): Hint {
  return hint.kind === 'events' ? { kind: 'events', runId: hint.runId, seq: hint.seq } : hint
}

/** Versions that don't know this kind ignore the whole message. */
export function travelsAlone(hint: NewHint): boolean {
  return hint.kind === 'worker'
}

/** Texts of at most so many bytes each. */
export function encodeBareHints(hints: readonly NewHint[], maxBytes: number): string[] {
  const texts: string[] = []
  let parts: string[] = []
  let bytes = 0
  const close = () => {
    if (parts.length > 0) texts.push(`[${parts.join(',')}]`)
    parts = []
    bytes = 0
  }
  for (const hint of hints) {
    const part = JSON.stringify(toBareHint(hint))
    const size = Buffer.byteLength(part) + 1
    if (bytes + size >= maxBytes || travelsAlone(hint)) close()
    parts.push(part)
    bytes += size
    if (travelsAlone(hint)) close()
  }
  close()
  return texts
}

/**
 * @returns those hints that can be read, the others being undefined; undefined when none of it is ours, or all
 * of it is a newer version's.
 */
export function parseBareHints(text: string): (BareHint | undefined)[] | undefined {
  if (text.length > MAX_TEXT_CHARACTERS) return undefined
  const parsed = parseJson(text)
  if (!Array.isArray(parsed) || parsed.length > MAX_HINTS) return undefined
  const hints = parsed.map(parseBareHint)
  return hints.some((hint) => hint !== undefined) ? hints : undefined
}

function parseBareHint(value: unknown): BareHint | undefined {
  // Explaining why a text is no hint costs more than reading one.
  const isKnown = typeof value === 'object' && value !== null && 'kind' in value && KINDS.has(value.kind)
  return isKnown ? BareHint.safeParse(value).data : undefined
}

/** @returns undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
