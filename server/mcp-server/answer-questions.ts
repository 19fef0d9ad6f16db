import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { isPlainObject } from '../contract/json.ts'
import type { Principal } from '../contract/principal.ts'
import type { RunDetail } from '../contract/run.ts'
import type { Runs } from '../domain/runs.ts'
import { answersOf } from './questions.ts'

/**
 * Hands on all that was answered of what the run waits for: an answer that is refused stands in the way of no other. Answers to anything else are left
 * alone.
 *
 * @returns whether there was any.
 * @throws what the first answer that is refused was refused with.
 */
export async function answerQuestions(
  runs: Runs,
  principal: Principal,
  { run, responses }: { run: RunDetail; responses: Record<string, unknown> },
): Promise<boolean> {
  const answers = answersOf(run.waits, responses)
  const refused: unknown[] = []
  for (const { runId = run.id, ...answer } of answers) {
    // Of somebody who was faster the run has its answer.
    await runs.respond(principal, { runId, ...answer }).catch((error: unknown) => {
      if (!isOver(error)) refused.push(error)
    })
  }
  if (refused.length > 0) throw refused[0]
  return answers.length > 0
}

function isOver(error: unknown): boolean {
  if (!(error instanceof AgentRuntimeError && error.code === 'conflict')) return false
  return isPlainObject(error.details) && error.details['reason'] === 'over'
}
