// Hints as text, without payloads: what every bus sends.
import { z } from 'zod'
import type { NewHint } from '../ports/event-bus.ts'

const BareHints = z.array(
  z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('events'), runId: z.string(), seq: z.number() }),
    z.object({ kind: z.literal('cancel'), runId: z.string() }),
    z.object({ kind: z.literal('queued'), agentKey: z.string() }),
  ]),
)

export type BareHint = z.infer<typeof BareHints>[number]

export function toBareHint(hint: NewHint): BareHint {
  return hint.kind === 'events' ? { kind: 'events', runId: hint.runId, seq: hint.seq } : hint
}

/** @returns undefined when it is somebody else's text, or a newer version's. */
export function parseBareHints(text: string): BareHint[] | undefined {
  return BareHints.safeParse(parseJson(text)).data
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
