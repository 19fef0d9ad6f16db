// What a client that is asked hands back with its answers: the run, and the question's place in it, so that no two rounds have the same.
import { RunId } from '../contract/run.ts'

export const stateOf = ({ id, lastSeq }: { id: string; lastSeq: number }): string => `${id}/${lastSeq}`

/** The state goes through the client's hands. @returns the id of a run, to be read as the caller's. @throws when it is none that we made. */
export async function readState(state: string): Promise<string> {
  const [id, seq = '', ...more] = state.split('/')
  if (!/^\d{1,10}$/.test(seq) || more.length > 0) throw new TypeError('This is no state of a call.')
  return RunId.parse(id)
}
