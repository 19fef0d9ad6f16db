// A conversation as a page shows it: its history, and then the live messages.
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { HistoryMessage, Message } from '../server/contract/message.ts'
import { countSaidAgain } from '../server/contract/said-again.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import { textOf } from '../server/contract/text-of.ts'
import type { LiveRun, Sending } from './live-conversation.ts'
import type { MessagePart } from './message-parts.ts'
import { partsOf } from './stored-parts.ts'
import type { Upload } from './with-files.ts'

/** A message as a page shows it: one of the history, or one on its way. */
export type LiveMessage<TShape extends AgentShape = AgentShape> = HistoryMessage & {
  /** `sending`: the server has not confirmed the message. `streaming`: the message is not complete. */
  pending?: 'sending' | 'streaming'
  /** The progress of its files while it is `sending`. A file without a `fileId` is not uploaded yet. Left out without files. */
  upload?: Upload
  /** Its parts, where a tool call includes its result. A part stays the same object until it changes. */
  parts: readonly MessagePart<TShape>[]
}

type Unplaced = Omit<LiveMessage, 'parentId' | 'parts'> & Partial<Pick<LiveMessage, 'parts'>>

/** Adds the live messages to a page of the history, none twice. `readIn` is the newest change when the page was read. */
export function withLive(
  page: readonly ShownMessage[],
  { runs, sending, readIn }: { runs: readonly LiveRun[]; sending: readonly Sending[]; readIn: number },
): LiveMessage[] {
  const shown: ShownMessage[] = [...page]
  const ids = new Set(page.map(({ id }) => id))
  const runIds = new Set(page.map(({ runId }) => runId))
  for (const run of runs) {
    const stored = runIds.has(run.runId) ? page.filter(({ runId }) => runId === run.runId) : []
    // A history that was read later contains the run or shows another branch. A run without inputs answers the last message.
    const isShown =
      stored.length > 0 || run.createdIn > readIn || (run.inputs.length === 0 && run.endedIn === 0)
    if (!isShown) continue
    runIds.add(run.runId)
    // The whole answer is stored when a run ends. If the run broke off, its tool calls are not stored.
    const answer = stored.filter(({ id, role }) => role !== 'user' && !isInput(id, run.runId))
    if (answer.some(({ incomplete }) => incomplete)) {
      mergeBrokenOff(
        shown,
        run,
        shown.findIndex((one) => one === answer[0]),
      )
      continue
    }
    const added = [...run.inputs, ...(answer.length > 0 ? [] : saidBy(run))].filter(({ id }) => !ids.has(id))
    const at = shown.findLastIndex(({ runId }) => runId === run.runId)
    insert(shown, at === -1 ? shown.length : at + 1, added)
  }
  for (const { messages: sent, at, runId, messageIds, sentIn, upload } of sending) {
    if (messageIds.length > 0) {
      insert(shown, shown.length, unreadOf({ messages: sent, at, runId, messageIds }, shown))
      continue
    }
    const messages = sent.slice(countShown(shown, runs, { messages: sent, sentIn }))
    const isThere = runId === null ? runs.some((run) => isOf(run, messages, sentIn)) : runIds.has(runId)
    if (isThere) continue
    const added = messages.map((message, index) => ({
      ...message,
      id: `${runId ?? at}:${index}`,
      runId: runId ?? '',
      createdAt: at,
      pending: 'sending' as const,
      ...(upload && index === messages.length - 1 && { upload }),
    }))
    insert(shown, shown.length, added)
  }
  return withParts(shown)
}

/** A message whose parts are not made yet. */
type ShownMessage = HistoryMessage & Partial<Pick<LiveMessage, 'pending' | 'upload' | 'parts'>>

/** Keeps a stored message the same object while its parts are the same. */
const whole = new WeakMap<ShownMessage, LiveMessage>()

function withParts(shown: readonly ShownMessage[]): LiveMessage[] {
  return shown.map((message) => {
    if (message.parts !== undefined) return message as LiveMessage
    const parts = partsOf(message, shown)
    const known = whole.get(message)
    if (known?.parts === parts) return known
    const live: LiveMessage = { ...message, parts }
    whole.set(message, live)
    return live
  })
}

/** Messages sent to a run under way stay `sending` until the run reads them. */
function unreadOf(
  { messages, at, runId, messageIds }: Pick<Sending, 'messages' | 'at' | 'runId' | 'messageIds'>,
  shown: readonly ShownMessage[],
): Unplaced[] {
  const ids = new Set(shown.map(({ id }) => id))
  return messages
    .slice(-messageIds.length)
    .map((message, index) => ({
      ...message,
      id: messageIds[index] ?? '',
      runId: runId ?? '',
      createdAt: at,
      pending: 'sending' as const,
    }))
    .filter(({ id }) => !ids.has(id))
}

/** Counts the messages at the list's beginning that are shown already, since the server does not store them again. */
function countShown(
  shown: readonly ShownMessage[],
  runs: readonly LiveRun[],
  { messages, sentIn }: Pick<Sending, 'messages' | 'sentIn'>,
): number {
  const known = new Map(runs.map((run) => [run.runId, run]))
  const isOpen = (run: LiveRun | undefined) => run !== undefined && !isTerminal(run.state.status)
  const hasTools = messages.some(
    (message) => message.role === 'tool' || (message.role === 'assistant' && message.toolCalls?.length),
  )
  const before = shown.filter(({ id, runId, role, content }) => {
    const run = known.get(runId)
    if (run !== undefined && run.createdIn > sentIn) return false
    if (isOpen(run) && !isInput(id, runId)) return role === 'user'
    return hasTools || (role !== 'tool' && (role !== 'assistant' || (content !== null && content !== '')))
  })
  return countSaidAgain(
    before.map((message) => ({
      message,
      isIncomplete: message.incomplete === true,
      isSent: isOpen(known.get(message.runId)) && !isInput(message.id, message.runId),
    })),
    messages,
    { isGoingOn: isOpen(known.get(before.at(-1)?.runId ?? '')) },
  )
}

/** Whether the run came from this request. The conversation's stream may tell of the run before the request is answered. */
function isOf({ createdIn, inputs }: LiveRun, messages: readonly Message[], sentIn: number): boolean {
  return (
    createdIn > sentIn &&
    inputs.length === messages.length &&
    inputs.every((input, index) => textOf(input) === textOf(messages[index]))
  )
}

function saidBy({ runId, createdAt, state }: LiveRun): Unplaced[] {
  return state.messages.flatMap(({ id, role = 'assistant' as const, content, complete, parts }) =>
    parts.length === 0
      ? []
      : [
          {
            role,
            content,
            id,
            runId,
            createdAt,
            parts,
            ...(!complete && !isTerminal(state.status) && { pending: 'streaming' as const }),
          },
        ],
  )
}

/** Merges what the run said live with its stored messages, which begin at `at`. */
function mergeBrokenOff(shown: ShownMessage[], run: LiveRun, at: number): void {
  let next = at
  for (const live of saidBy(run)) {
    const known = shown.findIndex(({ id, runId }) => id === live.id && runId === run.runId)
    if (known === -1) insert(shown, next, [{ ...live, incomplete: true }])
    else if (live.role !== 'user') shown[known] = { ...shown[known], parts: live.parts } as ShownMessage
    next = known === -1 ? next + 1 : known + 1
  }
}

function insert(shown: ShownMessage[], at: number, added: readonly Unplaced[]): void {
  let parentId = shown[at - 1]?.id ?? null
  const messages = added.map((message) => {
    const placed = { ...message, parentId } as ShownMessage
    parentId = message.id
    return placed
  })
  shown.splice(at, 0, ...messages)
}

/** The id of an input contains its place, which is lower than the place of any answer. */
function isInput(id: string, runId: string): boolean {
  return id.startsWith(`${runId}:`) && Number(id.slice(runId.length + 1)) < FIRST_ANSWER
}

const FIRST_ANSWER = 1_000_000
