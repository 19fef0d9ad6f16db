// Which wait an answer is for. A name alone tells no two apart, and an answer that is sent twice must not reach a second one.
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { PendingWait } from '../contract/wait.ts'
import type { WaitBelow } from '../ports/store/wait-store.ts'

interface Meant {
  name: string
  occurrence?: number | undefined
}

/**
 * The wait of the run itself; undefined where it has none such.
 *
 * @throws AgentRuntimeError `conflict` where several are pending and the answer does not say which it is for.
 */
export function waitOf(waits: readonly PendingWait[], { name, occurrence }: Meant): PendingWait | undefined {
  const meant = waits.filter(
    (wait) =>
      wait.name === name &&
      wait.kind !== 'sleep' &&
      wait.runId === undefined &&
      (occurrence === undefined || occurrence === occurrenceOf(wait)),
  )
  if (meant.length < 2) return meant[0]
  throw new AgentRuntimeError(
    'conflict',
    `The run waits for "${name}" several times: answer with the occurrence of the one that is meant.`,
    { details: { reason: 'several', occurrences: meant.map(occurrenceOf) } },
  )
}

export const occurrenceOf = ({ occurrence = 1 }: Pick<PendingWait, 'occurrence'>): number => occurrence

/**
 * The one wait below that an answer over a run above can mean: the only one of that name that there ever was.
 *
 * @throws AgentRuntimeError `conflict` where it is over, or several runs waited for it.
 */
export function waitBelowOf(found: readonly WaitBelow[], name: string): WaitBelow | null {
  const open = found.filter(({ isOpen }) => isOpen)
  const [only] = open
  if (found.length === 0) return null
  if (only === undefined) throw overError(name)
  if (found.length === 1) return only
  throw new AgentRuntimeError(
    'conflict',
    `Several runs below wait for "${name}", or did: answer by the id of the one that is meant.`,
    { details: { runIds: [...new Set(open.map(({ run }) => run.id))] } },
  )
}

export function overError(name: string): AgentRuntimeError {
  return new AgentRuntimeError(
    'conflict',
    `The wait for "${name}" is over: it was answered, or its time is up.`,
    { details: { reason: 'over' } },
  )
}
