import type { Json } from '../contract/json.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { AttemptStore } from '../ports/store/attempt-store.ts'

/** The types that tell of a step that was stored, with whose id in them. */
const ID_FIELDS = {
  'tool.call': 'toolCallId',
  'tool.result': 'toolCallId',
  'assistant.message': 'messageId',
  usage: 'messageId',
} as const

/**
 * Whether an earlier attempt told of something that a step of it did. A step is stored before it is told of, so
 * one whose process died in between was not.
 */
export function createTold(
  store: Pick<AttemptStore, 'readTold'>,
  run: ClaimedRun,
): (type: string, payload: Json) => false | Promise<boolean> {
  let told: Promise<Set<string>> | undefined

  async function read(): Promise<Set<string>> {
    const events = await store.readTold(run.id, Object.keys(ID_FIELDS))
    return new Set(events.map(({ type, id }) => `${type}/${id}`))
  }

  return (type, payload) => {
    if (run.attempt === 1 || !isWithId(type)) return false
    const id = (payload as Record<string, Json>)[ID_FIELDS[type]]
    return typeof id === 'string' && (told ??= read()).then((known) => known.has(`${type}/${id}`))
  }
}

function isWithId(type: string): type is keyof typeof ID_FIELDS {
  return Object.hasOwn(ID_FIELDS, type)
}
