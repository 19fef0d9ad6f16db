// Hints as text, without payloads. Every bus sends them. A foreign sender may send anything, so the size of a message
// is checked before it is parsed, and each hint is validated alone.
import { z } from 'zod'
import type { Hint, NewHint } from '../ports/event-bus.ts'

/** The most runs that a hint names. A hint for more runs names none, and every worker looks for itself. */
export const MAX_NAMED_RUNS = 100
/** The most characters of a message. The runtime's own are far smaller. */
export const MAX_TEXT_CHARACTERS = 1_000_000
const MAX_HINTS = 10_000

/** Agent keys have up to 100 characters; queues of isolated runs add a prefix. */
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

/** Whether the hint needs a message of its own: versions that do not know its kind ignore the whole message. */
export function travelsAlone(hint: NewHint): boolean {
  return hint.kind === 'worker'
}

/** Encodes hints as texts of at most `maxBytes` bytes each. */
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
 * @returns the hints, with undefined for each that cannot be read; undefined when no hint can be read, since the
 * message is foreign or of a newer version.
 */
export function parseBareHints(text: string): (BareHint | undefined)[] | undefined {
  if (text.length > MAX_TEXT_CHARACTERS) return undefined
  const parsed = parseJson(text)
  if (!Array.isArray(parsed) || parsed.length > MAX_HINTS) return undefined
  const hints = parsed.map(parseBareHint)
  return hints.some((hint) => hint !== undefined) ? hints : undefined
}

function parseBareHint(value: unknown): BareHint | undefined {
  // Check the kind first: zod's explanation of an unknown kind costs more than parsing a hint.
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
