import type { CallOptions } from './agent-client.ts'
import { throwIfAborted } from './older-runtimes.ts'
import { toAgentError } from './to-agent-error.ts'

/** `CallOptions` of callers that may have no signal to pass on. */
export interface AskOptions {
  signal?: AbortSignal | undefined
}

/** The answer of a procedure; what it rejects with is that of `call`. */
export const ask = <TInput, TAnswer>(
  procedure: (input: TInput, options: CallOptions) => Promise<TAnswer>,
  input: TInput,
  options: AskOptions = {},
): Promise<TAnswer> => call(procedure(input, options as CallOptions), options.signal)

/** The call's answer; else the signal's reason when that ended it, or an AgentRuntimeError. */
export async function call<T>(answer: Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throwIfAborted(signal)
    throw toAgentError(error)
  }
}
