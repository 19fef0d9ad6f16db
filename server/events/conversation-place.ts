import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { MAX_OPEN_RUNS } from '../ports/conversation-runs.ts'
import type { ConversationProgress } from '../ports/conversation-runs.ts'

/** How far a reader is in a run. */
export interface RunPlace {
  runId: string
  /** `seq` of the last event that the reader has; 0 when it only knows of the run. */
  seq: number
}

/**
 * How far a reader is in a conversation. It has all events of the runs up to the ordinal `newest`, except of those in
 * `open`. This works because runs of a conversation commit in the order of their ordinals, under the lock of its row.
 */
export interface ConversationPlace {
  newest: number
  /** In the order in which they began. */
  open: readonly RunPlace[]
}

/**
 * The place of a reader who begins now. Runs under way are told from their first event, since the end of an answer
 * alone means nothing.
 */
export function placeAt({ newest, open }: ConversationProgress): ConversationPlace {
  // A place holds a limited number of open runs. The others begin when the reader comes to them.
  const next = open[MAX_OPEN_RUNS]
  return {
    newest: next === undefined ? newest : next.ordinal - 1,
    open: open.slice(0, MAX_OPEN_RUNS).map(({ id }) => ({ runId: id, seq: 0 })),
  }
}

const VERSION = '1'
const MAX_CURSOR_CHARACTERS = 2_500
const MAX_SEQ = 2_147_483_647

/**
 * `1.<end of the conversation's id>.<newest>`, then `.<seq>~<run>` for each open run. URLs and headers take this text
 * unescaped.
 */
export function encodePlace(conversationId: string, { newest, open }: ConversationPlace): string {
  return placeHead(conversationId, newest) + open.map(encodeRunPlace).join('')
}

export const placeHead = (conversationId: string, newest: number): string =>
  `${VERSION}.${tagOf(conversationId)}.${newest}`

export const encodeRunPlace = ({ runId, seq }: RunPlace): string => `.${seq}~${packUuid(runId)}`

/** @throws AgentRuntimeError `bad_request` when it is no cursor, or belongs to another conversation. */
export function decodePlace(conversationId: string, cursor: string): ConversationPlace {
  const [version, tag, newest = '', ...open] = cursor.length > MAX_CURSOR_CHARACTERS ? [] : cursor.split('.')
  const runs = open.map(decodeRunPlace)
  const isOne = version === VERSION && isWhole(newest, Number.MAX_SAFE_INTEGER)
  if (!isOne || runs.length > MAX_OPEN_RUNS || !runs.every((run) => run !== undefined) || isTwice(runs)) {
    throw new AgentRuntimeError('bad_request', 'The cursor is not one this API handed out.', {
      details: { cursor: cursor.slice(0, 100) },
    })
  }
  if (tag !== tagOf(conversationId)) {
    throw new AgentRuntimeError('bad_request', 'The cursor belongs to another conversation.')
  }
  return { newest: Number(newest), open: runs }
}

function decodeRunPlace(text: string): RunPlace | undefined {
  const [seq = '', packed = '', ...rest] = text.split('~')
  const runId = unpackUuid(packed)
  if (runId === undefined || rest.length > 0 || !isWhole(seq, MAX_SEQ)) return undefined
  return { runId, seq: Number(seq) }
}

const isWhole = (text: string, max: number) => /^(?:0|[1-9]\d{0,15})$/.test(text) && Number(text) <= max

const isTwice = (runs: readonly { runId: string }[]) =>
  new Set(runs.map(({ runId }) => runId)).size < runs.length

/** Enough to notice a mixed-up cursor; access is checked elsewhere. The end of an id is its random part. */
const tagOf = (conversationId: string) => conversationId.slice(-8).toLowerCase()

function packUuid(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url')
}

function unpackUuid(packed: string): string | undefined {
  const hex = Buffer.from(packed, 'base64url').toString('hex')
  if (hex.length !== 32) return undefined
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  // Refuse another spelling of the same bytes: the runtime never writes it.
  return packUuid(id) === packed ? id : undefined
}
