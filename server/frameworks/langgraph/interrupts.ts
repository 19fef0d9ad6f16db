import type { AgentContext } from '../../agent/context.ts'
import type { WaitOutcome } from '../../agent/wait.ts'
import { NonRetriableError } from '../../agent/non-retriable-error.ts'
import type { Json } from '../../contract/json.ts'
import { askerOf } from '../../agent/tool-question.ts'
import { toTold } from '../tool-results.ts'

/** What a graph waits for. */
export interface GraphInterrupt {
  id: string
  value: unknown
  /** JSON Schema of the answer, where `interrupt` was given one. */
  schema?: Record<string, unknown>
}

/** Begins the name of a wait of a graph. */
const PREFIX = 'interrupt:'

/** Any JSON. */
const ANYTHING = {}

/**
 * Answers interrupts of one attempt, which may end for them. Their ids are those of one question each, and a node that others wait beside
 * is listed with its question even when it has gone on: so an answer is kept.
 *
 * @returns a function that waits until all are answered, and gives the answers by the interrupts' ids.
 */
export function createAnswers(
  ctx: Pick<AgentContext, 'signal'>,
): (interrupts: readonly GraphInterrupt[]) => Promise<Record<string, Json>> {
  const asker = askerOf(ctx)
  const answers = new Map<string, Promise<Json>>()

  async function answer({ id, value, schema = ANYTHING }: GraphInterrupt): Promise<Json> {
    const question = { name: `${PREFIX}${id}`, schema, details: toTold(value), timeoutMs: null }
    const outcome = (await asker?.askInOrder(question)) as WaitOutcome<Json> | undefined
    if (outcome?.status === 'answered') return outcome.value
    throw new NonRetriableError(`The interrupt "${id}" was not answered.`)
  }

  return async (interrupts) => {
    const answered = await Promise.all(
      interrupts.map(async (interrupt): Promise<[string, Json]> => {
        const known = answers.get(interrupt.id) ?? answer(interrupt)
        answers.set(interrupt.id, known)
        return [interrupt.id, await known]
      }),
    )
    return Object.fromEntries(answered)
  }
}

interface Task {
  interrupts?: readonly { id?: string; value?: unknown; response_schema?: unknown }[]
}

/** The open interrupts of a graph's state. */
export function interruptsOf(tasks: readonly Task[]): GraphInterrupt[] {
  return tasks.flatMap(({ interrupts = [] }) =>
    interrupts.flatMap(({ id, value, response_schema: schema }): GraphInterrupt[] => {
      if (id === undefined) return []
      const checked = typeof schema === 'object' && schema !== null
      return [{ id, value, ...(checked ? { schema: schema as Record<string, unknown> } : {}) }]
    }),
  )
}
