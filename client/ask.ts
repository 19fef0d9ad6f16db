import type { CallOptions } from './agent-client.ts'
import { throwIfAborted } from './older-runtimes.ts'
import { toAgentError } from './to-agent-error.ts'

/** `CallOptions` of callers that may have no signal to pass on. */
export interface AskOptions {
  signal?: AbortSignal | undefined
}

/** Asks a procedure. Rejects with the errors of `call`. */
export const ask = <TInput, TAnswer>(
  procedure: (input: TInput, options: CallOptions) => Promise<TAnswer>,
  input: TInput,
  options: AskOptions = {},
): Promise<TAnswer> => call(procedure(input, options as CallOptions), options.signal)

/** Resolves with the call's answer. Rejects with the signal's reason if that aborted, else with an AgentRuntimeError. */
export async function call<T>(answer: Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throwIfAborted(signal)
    throw toAgentError(error)
  }
}
