// The first line of a message has the hints. Then comes a line for each hint, with the events that it carries, or
// empty. Payloads are JSON text, which has no line breaks.
import { z } from 'zod'
import type { AnyRunEvent } from '../../contract/event.ts'
import { Visibility } from '../../contract/visibility.ts'
import { Json } from '../../contract/json.ts'
import type { RunAppend } from '../../ports/attempt.ts'
import type { Hint, NewHint } from '../../ports/event-bus.ts'
import {
  MAX_TEXT_CHARACTERS,
  parseBareHints,
  parseJson,
  toBareHint,
  travelsAlone,
} from '../../bus/hint-text.ts'
import { MAX_CARRIED_CHARACTERS, charactersIn } from '../../bus/outbox.ts'

/** The most characters of a message. Receivers handle a message without a pause, so it must not take long. */
const MAX_MESSAGE_CHARACTERS = 262_144

const Events = z.array(
  z.object({
    runId: z.string(),
    seq: z.int(),
    attempt: z.int(),
    type: z.string(),
    visibility: Visibility,
    payload: Json,
    ts: z.string(),
  }),
)

export function encode(hints: readonly NewHint[]): string[] {
  const messages: string[] = []
  let head: string[] = []
  let lines: string[] = []
  let characters = 0
  const close = () => {
    if (head.length > 0) messages.push([`[${head.join(',')}]`, ...lines].join('\n'))
    head = []
    lines = []
    characters = 0
  }
  for (const hint of hints) {
    const line = hint.kind === 'events' ? linesOf(hint.written) : ''
    const text = JSON.stringify(toBareHint(hint))
    const size = text.length + line.length
    if (characters + size > MAX_MESSAGE_CHARACTERS || travelsAlone(hint)) close()
    head.push(text)
    lines.push(line)
    characters += size
    if (travelsAlone(hint)) close()
  }
  close()
  return messages
}

function linesOf(written: readonly RunAppend[] | undefined): string {
  if (written === undefined || charactersIn(written) > MAX_CARRIED_CHARACTERS) return ''
  const events = written.flatMap(({ runId, attempt, events }) =>
    events.map(({ payload, ...event }) => {
      const envelope = JSON.stringify({ runId, attempt, ...event })
      return `${envelope.slice(0, -1)},"payload":${payload}}`
    }),
  )
  return `[${events.join(',')}]`
}

/** @returns undefined when the message is foreign or of a newer version */
export function decode(message: string): Hint[] | undefined {
  if (message.length > MAX_TEXT_CHARACTERS) return undefined
  const [head = '', ...lines] = message.split('\n')
  return parseBareHints(head)?.flatMap((hint, index) => {
    if (hint === undefined) return []
    const line = lines[index]
    return hint.kind === 'events' && line ? [new CarryingHint(hint, line)] : [hint]
  })
}

/** Parses its events only when they are read, since a process follows few of all runs. */
class CarryingHint {
  readonly kind = 'events'
  readonly runId: string
  readonly seq: number
  #text: string | undefined
  #events: readonly AnyRunEvent[] | undefined

  constructor({ runId, seq }: { runId: string; seq: number }, text: string) {
    this.runId = runId
    this.seq = seq
    this.#text = text
  }

  get events(): readonly AnyRunEvent[] | undefined {
    if (this.#text !== undefined) {
      const events = Events.safeParse(parseJson(this.#text)).data
      this.#events = events !== undefined && this.#fits(events) ? events : undefined
      this.#text = undefined
    }
    return this.#events
  }

  /** The events must be of this run, without a gap, up to `seq`. Else the sender is not a runtime. */
  #fits(events: readonly AnyRunEvent[]): boolean {
    const before = this.seq - events.length
    return (
      events.length > 0 &&
      events.every((event, index) => event.runId === this.runId && event.seq === before + index + 1)
    )
  }
}
