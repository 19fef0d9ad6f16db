// By which ids messages are stored: those by which the narrator tells of them.
import { callOf, idOf, saidIn } from './items.ts'
import type { Item } from './items.ts'

/** An answer of a model, as the SDK keeps it. */
export interface Answer {
  responseId?: string | undefined
  output: readonly unknown[]
}

/** Whether one may read what was thought for an answer. */
export function thinks(output: readonly unknown[]): boolean {
  return output.some((item) => {
    const { type, content, rawContent } = Object(item) as Record<string, unknown>
    const texts = [content, rawContent].flat()
    return type === 'reasoning' && texts.some((part) => Boolean((Object(part) as { text?: unknown }).text))
  })
}

/** Ask it about the items in their order. */
export function createMessageIds(answers: readonly Answer[]): (item: Item) => string | undefined {
  const known = answers.flatMap(({ responseId, output }) => {
    const answerId = idOf({ id: responseId })
    const first = (output as Item[]).find((item) => saidIn(item) !== undefined)
    return (output as Item[]).map((item) => {
      // Thoughts come before the id of a message does, so both have the answer's.
      const hasAnswers = callOf(item) !== undefined || (thinks(output) && item === first)
      return { key: keyOf(item), id: (hasAnswers ? answerId : undefined) ?? ownIdOf(item) }
    })
  })
  let next = 0
  return (item) => {
    const key = keyOf(item)
    // Providers may give calls of several answers one id.
    const place = key === undefined ? -1 : known.findIndex((each, index) => index >= next && each.key === key)
    if (place === -1) return ownIdOf(item)
    next = place + 1
    return known[place]?.id
  }
}

function keyOf(item: Item): string | undefined {
  const call = callOf(item)
  if (call !== undefined) return `call ${call.id}`
  const id = idOf(item)
  return id === undefined || saidIn(item) === undefined ? undefined : `message ${id}`
}

const ownIdOf = (item: Item): string | undefined => (saidIn(item) === undefined ? undefined : idOf(item))
