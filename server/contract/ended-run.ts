import type { Json } from './json.ts'
import type { UserMessage } from './message.ts'

/** The end of a detached run, as the conversation's next run is told of it. */
export interface EndedRun {
  runId: string
  agentKey: string
  status: 'succeeded' | 'failed' | 'timed_out'
  /** Of a run that succeeded: its output, or what it said last if it has none. */
  result?: Json
  /** The result is longer than 8,000 characters as text, and `result` is the beginning of that text. */
  isCut?: true
  error?: { code: string; message: string }
}

const HOW = { succeeded: 'has succeeded', failed: 'has failed', timed_out: 'has timed out' }

/** The message that tells of it: a sentence for models, and a line of JSON, an `EndedRun`, for programs. */
export function toEndedMessage(ended: EndedRun): UserMessage {
  const line = `A run of the agent "${ended.agentKey}", started earlier in this conversation, ${HOW[ended.status]}:`
  return { role: 'user', content: `${line}\n${JSON.stringify(ended)}` }
}
