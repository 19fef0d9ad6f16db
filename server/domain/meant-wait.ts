// Finds the wait that an answer is for. Several waits may have one name. An answer that names its `occurrence` reaches no
// other wait, however often it is sent. Without it the answer is for the only wait that is pending now, which may be a
// later one: a repeated approval is then refused by its hash, which differs by occurrence.
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { PendingWait } from '../contract/wait.ts'
import type { WaitBelow } from '../ports/store/wait-store.ts'

interface Meant {
  name: string
  occurrence?: number | undefined
}

/**
 * The wait of the run itself; undefined when it has none of that name.
 *
 * @throws AgentRuntimeError `conflict` when several are pending and the answer does not say which it is for
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
    `The run waits for "${name}" several times. Answer with the occurrence that is meant.`,
    { details: { reason: 'several', occurrences: meant.map(occurrenceOf) } },
  )
}

export const occurrenceOf = ({ occurrence = 1 }: Pick<PendingWait, 'occurrence'>): number => occurrence

/**
 * The wait below that an answer through a run above means: the only one that ever had this name.
 *
 * @throws AgentRuntimeError `conflict` when it is over, or several runs have waited with this name
 */
export function waitBelowOf(found: readonly WaitBelow[], name: string): WaitBelow | null {
  const open = found.filter(({ isOpen }) => isOpen)
  const [only] = open
  if (found.length === 0) return null
  if (only === undefined) throw overError(name)
  if (found.length === 1) return only
  throw new AgentRuntimeError(
    'conflict',
    `Several runs below wait for "${name}", or did. Answer with the id of the run that is meant.`,
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
