// What a viewer knows of a run: a pure function from what was known and one more event.
import type { Json } from '../server/contract/json.ts'
import type { Run, RunError, RunStatus } from '../server/contract/run.ts'
import type { PendingWait } from '../server/contract/wait.ts'
import { replaced } from './older-runtimes.ts'
import { textOf } from '../server/contract/text-of.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import { AppendLog } from './append-log.ts'
import { NO_CHILDREN, reduceChildren } from './child-runs.ts'
import type { ChildRun } from './child-runs.ts'
import type { RunEnding, UntypedEvent } from './run-ending.ts'
import { endingOfEvent, endingOfRun, fieldsOf } from './run-ending.ts'

/** A message of the assistant, as far as it has arrived, or one that the run was sent. */
export interface RunMessage {
  id: string
  /** Of what the run was sent while it was under way. Left out of what its agent says. */
  role?: 'user'
  content: string
  /** Whether this is all of it. */
  complete: boolean
}

/** A call of a tool whose arguments are still being written. */
export interface ToolInput {
  toolCallId: string
  tool: string
  /** The arguments as far as they have arrived: the beginning of a JSON text. */
  text: string
  /** The answer that calls the tool. */
  messageId: string
}

export interface RunState {
  readonly status: RunStatus
  /** The newest attempt heard of; 0 before the first. */
  readonly attempt: number
  /** The agent's newest message, as far as it has arrived. */
  readonly text: string
  /** What was said, also to the run, and is not void, oldest first: the text of an attempt that failed goes with it. */
  readonly messages: readonly RunMessage[]
  /** The calls that are being written, of a run that tells them (`toolLoop`'s `toolInput`), to readers of debug events. */
  readonly toolInputs: readonly ToolInput[]
  /** By message, the attempt that said it last. */
  readonly saidIn: ReadonlyMap<string, number>
  /** Everything seen, of all attempts. */
  readonly events: AppendLog<UntypedEvent>
  /** What the run waits for, while it waits. */
  readonly waits: readonly PendingWait[]
  /** The runs that it has started, and those further below that wait for somebody. */
  readonly children: readonly ChildRun[]
  readonly output: Json
  readonly error: RunError | null
  /** Go on after this one. */
  readonly lastSeq: number
}

export function initialRunState(): RunState {
  return {
    status: 'queued',
    attempt: 0,
    text: '',
    messages: [],
    toolInputs: NO_INPUTS,
    saidIn: new Map(),
    events: new AppendLog(),
    waits: NO_WAITS,
    children: NO_CHILDREN,
    output: null,
    error: null,
    lastSeq: 0,
  }
}

/**
 * The state after `event`. Events already seen change nothing, what a newer server tells of a run (`run.…`) is only
 * recorded, and a delta costs the same at the end of a long run as at its beginning.
 */
export function reduceRun(state: RunState, event: UntypedEvent): RunState {
  if (event.seq <= state.lastSeq) return state
  const seen: RunState = { ...state, lastSeq: event.seq, events: state.events.append(event) }
  if (isTerminal(state.status) || event.attempt < state.attempt) return seen
  const current = atAttempt(seen, event.attempt)
  const ending = endingOfEvent(event)
  if (ending !== null) return ended(current, ending)
  switch (event.type) {
    case 'assistant.delta':
      return { ...withText(current, event.payload, false), status: 'running' }
    case 'assistant.message':
      return { ...withText(current, event.payload, true), status: 'running' }
    case 'user.message':
      return { ...withReceived(current, event.payload), status: 'running' }
    case 'tool.input':
      return { ...withInput(current, event.payload), status: 'running' }
    case 'tool.call':
      return { ...withoutInput(current, fieldsOf(event.payload)['toolCallId']), status: 'running' }
    case 'run.retrying':
      return { ...withoutVoid(current, event.payload), status: 'queued', waits: NO_WAITS }
    case 'run.resumed':
      return { ...current, status: 'queued', waits: NO_WAITS }
    case 'run.waiting':
      return withWait(current, event.payload)
    case 'child.started':
    case 'child.waiting':
    case 'child.ended':
      return { ...current, children: reduceChildren(current.children, event) }
    case 'run.started':
    case 'run.heartbeat':
      return { ...current, status: 'running' }
    default:
      // Anything else is the agent's, which speaks only while it runs.
      return event.type.startsWith('run.') ? current : { ...current, status: 'running' }
  }
}

/** The state once the run's record is known too: how it ended, when no event told. */
export function reduceRunRecord(state: RunState, run: Run): RunState {
  const ending = endingOfRun(run)
  if (isTerminal(state.status)) {
    // Of how it ended, an event may have told all but the output.
    const isSame = ending?.status === state.status && state.output === null
    return isSame ? { ...state, output: ending.output } : state
  }
  if (run.attempt < state.attempt) return state
  const current = atAttempt(state, run.attempt)
  return ending === null ? { ...current, status: run.status } : ended(current, ending)
}

function atAttempt(state: RunState, attempt: number): RunState {
  if (attempt <= state.attempt) return state
  // Of an attempt that ended without a word nobody knows what stays.
  const known = state.status === 'running' ? withMessages(state, state.messages.filter(isReceived)) : state
  return { ...known, attempt, waits: NO_WAITS, toolInputs: NO_INPUTS }
}

/** Text of a failed attempt is not shown beside that of its retry; what is not void stays. */
function withoutVoid(state: RunState, payload: unknown): RunState {
  const { messageIds } = fieldsOf(payload)
  const isNamed = (id: string) => !Array.isArray(messageIds) || messageIds.includes(id)
  const isVoid = (message: RunMessage) => !isReceived(message) && isNamed(message.id)
  const toolInputs = state.toolInputs.filter(({ messageId }) => !isNamed(messageId))
  return state.messages.some(isVoid)
    ? withMessages(
        { ...state, toolInputs },
        state.messages.filter((message) => !isVoid(message)),
      )
    : { ...state, toolInputs }
}

function withMessages(state: RunState, messages: readonly RunMessage[]): RunState {
  return { ...state, text: messages.findLast((message) => !isReceived(message))?.content ?? '', messages }
}

/** No attempt says it again, so it is never void. */
const isReceived = ({ role }: RunMessage): boolean => role === 'user'

function withReceived(state: RunState, payload: unknown): RunState {
  const { messageId: id, content } = fieldsOf(payload)
  if (typeof id !== 'string' || state.messages.some((message) => message.id === id)) return state
  const text = textOf(content as Parameters<typeof textOf>[0])
  return withMessages(state, [...state.messages, { id, role: 'user', content: text, complete: true }])
}

function ended(state: RunState, { status, output, error }: RunEnding): RunState {
  return { ...state, status, output, error, waits: NO_WAITS, toolInputs: NO_INPUTS }
}

function withWait(state: RunState, payload: unknown): RunState {
  // Of one attempt all come after everything else it did.
  const wait = payload as PendingWait
  // Children have events of their own, and nobody is asked.
  const waits = wait.kind === 'child' ? state.waits : [...state.waits, wait]
  return { ...state, status: 'waiting', waits }
}

const NO_WAITS: readonly PendingWait[] = []
const NO_INPUTS: readonly ToolInput[] = []

function withInput(state: RunState, payload: unknown): RunState {
  const { toolCallId, tool, content, messageId } = fieldsOf(payload)
  if (typeof toolCallId !== 'string' || typeof content !== 'string') return state
  if (typeof tool !== 'string' || typeof messageId !== 'string') return state
  const index = state.toolInputs.findIndex((input) => input.toolCallId === toolCallId)
  const text = (state.toolInputs[index]?.text ?? '') + content
  const input = { toolCallId, tool, text, messageId }
  const toolInputs = index === -1 ? [...state.toolInputs, input] : replaced(state.toolInputs, index, input)
  return { ...state, toolInputs }
}

/** The call has come, which has them whole. */
function withoutInput(state: RunState, toolCallId: unknown): RunState {
  const toolInputs = state.toolInputs.filter((input) => input.toolCallId !== toolCallId)
  return toolInputs.length === state.toolInputs.length ? state : { ...state, toolInputs }
}

function withText(state: RunState, payload: unknown, complete: boolean): RunState {
  const { messageId: id, content, offset } = fieldsOf(payload)
  if (typeof id !== 'string' || typeof content !== 'string') return state
  const index = state.messages.findLastIndex((message) => message.id === id)
  const before = state.messages[index]
  // A later attempt that says it again begins anew.
  const isAnew = state.saidIn.get(id) !== state.attempt
  const current = isAnew ? { ...state, saidIn: new Map(state.saidIn).set(id, state.attempt) } : state
  if (before === undefined) return withMessages(current, [...state.messages, { id, content, complete }])
  // A late delta of a finished message is already part of it.
  if (before.complete && !complete && !isAnew) return state
  // A delta says where it begins when it stands for those before it, which may have been seen or not.
  const end = typeof offset === 'number' ? offset : undefined
  const kept = complete || isAnew ? '' : before.content.slice(0, end)
  return withMessages(current, replaced(state.messages, index, { id, content: kept + content, complete }))
}
