// What a run did for its answer, as the history has it.
import { textOf } from '../../../client/index.ts'
import type { Json, LiveMessage } from '../../../client/index.ts'
import type { Step } from './live-steps.ts'

export type Results = ReadonlyMap<string, Json>

/** What a message of a tool says, by its call. */
export function resultOf(message: LiveMessage): [toolCallId: string, result: Json][] | null {
  return message.role === 'tool' ? [[message.toolCallId, parsed(textOf(message))]] : null
}

/** What a message thought, and the tools it called. */
export function stepsOf(message: LiveMessage & { role: 'assistant' }, results: Results): [Step[], Step[]] {
  const parts = typeof message.content === 'string' || message.content === null ? [] : message.content
  const thought = parts.flatMap((part) => (part.type === 'reasoning' ? [part.text] : [])).join('\n\n')
  const thoughts: Step[] =
    thought === ''
      ? []
      : [{ kind: 'reasoning', key: `reasoning ${message.id}`, text: thought, state: 'done' }]
  const calls = (message.toolCalls ?? []).map(({ id, name, arguments: args }): Step => {
    const result = results.get(id)
    const call = { kind: 'tool', key: id, tool: name, arguments: args } as const
    // A call without a result was broken off.
    return result === undefined
      ? { ...call, state: 'failed' }
      : { ...call, state: isFailure(result) ? 'failed' : 'done', result }
  })
  return [thoughts, calls]
}

/** As `toolLoop` tells a model of an error. */
const isFailure = (result: Json) =>
  typeof result === 'object' &&
  result !== null &&
  !Array.isArray(result) &&
  typeof result['error'] === 'string'

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}
