// The events of runs as a runtime writes them, in order, and what compaction leaves of them.
import fc from 'fast-check'
import type { AnyRunEvent } from '../../../server/contract/event.ts'
import type { Json } from '../../../server/contract/json.ts'
import { runEvent } from './fake-transport.ts'

type Piece = 'text' | 'thought' | 'found'

interface Turn {
  pieces: { say: Piece; content: string }[]
  isWhole: boolean
  calls: { inputs: string[]; progress: number; outcome: 'value' | 'error' | 'approved' | 'none' }[]
  /** The events between one turn and the next. */
  meanwhile: 'nothing' | 'sent' | 'child' | 'wait' | 'found'
}

interface Attempt {
  turns: Turn[]
  end: 'retry' | 'retry-all' | 'death'
}

const content = fc.constantFrom('a', 'bc', 'é😀', '', ' ')

const turn: fc.Arbitrary<Turn> = fc.record({
  pieces: fc.array(fc.record({ say: fc.constantFrom<Piece>('text', 'text', 'thought', 'found'), content }), {
    maxLength: 6,
  }),
  isWhole: fc.boolean(),
  calls: fc.array(
    fc.record({
      inputs: fc.array(content, { maxLength: 3 }),
      progress: fc.nat(2),
      outcome: fc.constantFrom('value', 'error', 'approved', 'none'),
    }),
    { maxLength: 2 },
  ),
  meanwhile: fc.constantFrom('nothing', 'sent', 'child', 'wait', 'found'),
})

const attempt: fc.Arbitrary<Attempt> = fc.record({
  turns: fc.array(turn, { maxLength: 4 }),
  end: fc.constantFrom('retry', 'retry-all', 'death'),
})

const ENDS: [type: string, payload: Json][] = [
  ['run.succeeded', { output: 'done' }],
  ['run.failed', { error: 'No.', code: 'no' }],
  ['run.cancelled', {}],
  ['custom.last', {}],
]

/**
 * Attempts with messages, of which some are void, and with calls that are written, allowed, reported and
 * completed. They also have children and sent messages.
 */
export const toldRun: fc.Arbitrary<AnyRunEvent[]> = fc
  .record({
    attempts: fc.array(attempt, { minLength: 1, maxLength: 3 }),
    end: fc.constantFrom(...ENDS),
  })
  .map(({ attempts, end }) => {
    const run = new Teller()
    for (const [index, { turns, end: how }] of attempts.entries()) {
      run.attempt += 1
      run.tell('run.started', {})
      const said: string[] = []
      for (const one of turns) said.push(run.takeTurn(one))
      if (index === attempts.length - 1) run.tell(...end)
      else if (how !== 'death')
        run.tell('run.retrying', how === 'retry' ? { messageIds: said.slice(-1) } : {})
    }
    return run.events
  })

class Teller {
  readonly events: AnyRunEvent[] = []
  attempt = 0
  #ids = 0

  tell(type: string, payload: Json): void {
    this.events.push(runEvent(this.events.length + 1, { type, payload, attempt: this.attempt }))
  }

  takeTurn({ pieces, isWhole, calls, meanwhile }: Turn): string {
    const messageId = this.#id('message')
    for (const { say, content: piece } of pieces) {
      if (say === 'text') this.tell('assistant.delta', { messageId, content: piece })
      if (say === 'thought') this.tell('reasoning.delta', { messageId, content: piece })
      if (say === 'found') this.tell('custom.found', { piece })
    }
    const ids = calls.map(({ inputs }) => {
      const toolCallId = this.#id('call')
      for (const piece of inputs) {
        this.tell('tool.input', { toolCallId, tool: 'look', content: piece, messageId })
      }
      return toolCallId
    })
    const text = pieces.map((piece) => (piece.say === 'text' ? piece.content : '')).join('')
    if (isWhole && text !== '') this.tell('assistant.message', { messageId, content: text })
    if (isWhole) {
      this.tell('usage', { model: 'm', inputTokens: 1, outputTokens: 1, cost: 1, messageId })
      for (const toolCallId of ids) {
        this.tell('tool.call', { toolCallId, tool: 'look', arguments: { at: toolCallId }, messageId })
      }
      for (const [index, toolCallId] of ids.entries()) this.#finish(toolCallId, calls[index]!)
    }
    this.#tellMeanwhile(meanwhile)
    return messageId
  }

  #finish(toolCallId: string, { progress, outcome }: Turn['calls'][number]): void {
    if (outcome === 'approved') {
      this.#wait(`approve:look:${toolCallId}`, 'approval', { toolCallId, tool: 'look' })
    }
    for (let step = 0; step < progress; step += 1) {
      this.tell('tool.progress', { toolCallId, tool: 'look', progress: step })
    }
    if (outcome === 'none') return
    const isError = outcome === 'error'
    const result = isError ? { error: 'Gone.' } : { found: toolCallId }
    this.tell('tool.result', { toolCallId, tool: 'look', result, ...(isError ? { isError } : {}) })
  }

  #wait(name: string, kind: string, details: Json): void {
    this.tell('run.waiting', { name, kind, details, schema: {}, expiresAt: null })
    this.tell('run.resumed', { wait: name })
    this.attempt += 1
    this.tell('run.started', {})
  }

  #tellMeanwhile(meanwhile: Turn['meanwhile']): void {
    const child = { childRunId: this.#id('child'), agentKey: 'child' }
    switch (meanwhile) {
      case 'sent':
        return this.tell('user.message', { messageId: this.#id('sent'), content: 'And?' })
      case 'child':
        this.tell('child.started', { ...child, detached: false })
        return this.tell('child.ended', { ...child, status: 'succeeded', error: null })
      case 'wait':
        return this.#wait('more', 'input', null)
      case 'found':
        return this.tell('custom.found', {})
      case 'nothing':
        return this.tell('run.heartbeat', {})
    }
  }

  #id(what: string): string {
    this.#ids += 1
    return `${what} ${this.#ids}`
  }
}

/** Like the statement in compact-runs.ts, for a run without simultaneous messages. */
export function compacted(events: readonly AnyRunEvent[]): AnyRunEvent[] {
  const keyOf = ({ type, attempt, payload }: AnyRunEvent) => `${type} ${attempt} ${idOf(payload)}`
  const whole = new Set(
    events.filter(({ type }) => type === 'assistant.message').map(({ payload }) => idOf(payload)),
  )
  const called = new Set(
    events.filter(({ type }) => type === 'tool.call').map(({ payload }) => callOf(payload)),
  )
  return events.flatMap((event) => {
    const { type, payload } = event
    if (type === 'run.heartbeat') return []
    if (type === 'tool.input') return called.has(callOf(payload)) ? [] : [event]
    if (type === 'assistant.delta' && whole.has(idOf(payload))) return []
    if (!type.endsWith('.delta')) return [event]
    const pieces = events.filter((other) => keyOf(other) === keyOf(event))
    if (pieces.at(-1) !== event) return []
    if (pieces.length === 1) return [event]
    const content = pieces.map((piece) => String(Object(piece.payload).content)).join('')
    return [{ ...event, payload: { messageId: idOf(payload), content, offset: 0 } }]
  })
}

const idOf = (payload: Json) => String(Object(payload).messageId)
const callOf = (payload: Json) => String(Object(payload).toolCallId)
