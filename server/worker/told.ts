import type { Json } from '../contract/json.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { AttemptStore } from '../ports/store/attempt-store.ts'

/** Event types that tell of a stored step, with the field that holds the step's id. */
const ID_FIELDS = {
  'tool.call': 'toolCallId',
  'tool.result': 'toolCallId',
  'assistant.message': 'messageId',
  'user.message': 'messageId',
  usage: 'messageId',
  'context.compacted': 'messageId',
  'child.started': 'childRunId',
  'child.ended': 'childRunId',
} as const

/**
 * Whether an earlier attempt emitted the event of a stored step. The step is stored first, so a process that dies
 * in between leaves a step without its event.
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
