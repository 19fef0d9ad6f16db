// What a run does for its answer, as its events tell it.
import type { Json } from '../../../client/index.ts'
import type { AssistantRun } from './use-chat.ts'

export type StepState = 'running' | 'done' | 'failed'

export type Step =
  | { kind: 'tool'; key: string; tool: string; arguments: Json; state: StepState; result?: Json }
  | { kind: 'reasoning'; key: string; text: string; state: StepState }

export interface LiveSteps {
  runId: string
  keys: ReadonlySet<string>
  /** By the message that follows them. */
  before: ReadonlyMap<string, readonly Step[]>
  /** Those that no message follows yet. */
  rest: readonly Step[]
}

export function liveSteps({ runId, events, isActive }: Pick<AssistantRun, 'runId' | 'events' | 'isActive'>) {
  if (runId === null) return undefined
  const steps = new Map<string, Step>()
  const before = new Map<string, Step[]>()
  const placed = new Set<Step>()
  const open = () => [...steps.values()].filter((step) => !placed.has(step))

  for (const { type, payload } of events) {
    switch (type) {
      case 'reasoning.delta': {
        const key = `reasoning ${payload.messageId}`
        const step = steps.get(key)
        // One that stands for several says where they begin.
        if (step?.kind === 'reasoning') step.text = step.text.slice(0, payload.offset) + payload.content
        else steps.set(key, { kind: 'reasoning', key, text: payload.content, state: 'running' })
        break
      }
      case 'tool.call': {
        const { toolCallId: key, tool, arguments: args } = payload
        for (const thought of steps.values()) if (thought.kind === 'reasoning') thought.state = 'done'
        if (!steps.has(key)) steps.set(key, { kind: 'tool', key, tool, arguments: args, state: 'running' })
        break
      }
      case 'tool.result': {
        const step = steps.get(payload.toolCallId)
        if (step?.kind !== 'tool') break
        step.state = payload.isError === true ? 'failed' : 'done'
        step.result = payload.result
        break
      }
      case 'assistant.delta':
      case 'assistant.message': {
        if (before.has(payload.messageId)) break
        const mine = open()
        before.set(payload.messageId, mine)
        for (const step of mine) {
          placed.add(step)
          if (step.kind === 'reasoning') step.state = 'done'
        }
        break
      }
      case 'run.retrying':
        // A call that is repeated has its place after it. What was thought is thought again.
        for (const [key, step] of steps)
          if (step.kind === 'reasoning' || step.state === 'running') steps.delete(key)
        for (const messageId of payload.messageIds ?? before.keys()) before.delete(messageId)
        for (const step of steps.values()) placed.delete(step)
        break
      default:
    }
  }
  if (!isActive) for (const step of steps.values()) if (step.state === 'running') step.state = 'failed'
  return { runId, keys: new Set(steps.keys()), before, rest: open() } satisfies LiveSteps
}
