import { withinCallScope } from '../../agent/call-scope.ts'
import type { Journal } from '../../agent/journal.ts'
import type { Json } from '../../contract/json.ts'
import type { AnswerEvent, Answers } from './equip.ts'
import { idOf } from './items.ts'
import type { Item } from './items.ts'
import type { Narrator } from './narrator.ts'

/** Where in the journal the first answer is. The state is before it. */
const FIRST_ANSWER = 2

/** @param count how many answers the state has. */
export function createAnswers(
  { journal, entries }: { journal: Journal; entries: ReadonlyMap<number, Json> },
  narrator: Narrator,
  count: () => number,
): Answers & { begin(): void; isTaken(): boolean } {
  let isAsked = false
  let answered = 0
  return {
    begin: () => void (isAsked = true),
    isAsked: () => isAsked,
    /** Whether the state has all answers. The SDK counts one before the state has it. */
    isTaken: () => count() >= answered,
    find: () => entries.get(FIRST_ANSWER + count()) as AnswerEvent | undefined,
    async hear(event) {
      const place = FIRST_ANSWER + count()
      if (event.type === 'response_done') {
        isAsked = false
        answered = count() + 1
      }
      if (event.type === 'response_done' && !entries.has(place)) {
        const { id, output } = event.response
        const said = (output as Item[]).map((item) => idOf(item))
        const messageIds = [id, ...said].filter((each) => each !== undefined)
        await journal.write({ place, value: event }, messageIds)
      }
      await narrator.hearModel(event)
    },
    within: (callId, call) => withinCallScope(`${journal.name} ${count()} ${callId}`, call),
  }
}
