import type { Json } from '../../contract/json.ts'
import { parseToolArguments } from '../provider/tool-arguments.ts'
import type { CallPiece } from './chat-wire.ts'

/** A tool call that is put together from its pieces. */
export interface ChatCall {
  index: number
  /** The server's id. Empty where it gives none. */
  id: string
  name: string
  /** The arguments as the server wrote them. */
  text: string
  /** Other fields of the server's, such as the signature of a thought. */
  rest: Record<string, Json>
}

export interface ChatCalls {
  readonly list: readonly ChatCall[]
  /** @returns the call that the piece belongs to, and what it adds to its arguments. */
  add(piece: CallPiece): { call: ChatCall; text: string }
}

/**
 * Puts calls together from their pieces. By the documentation the pieces of a call share an index, and the first has id and
 * name. Some servers give all calls one index or id, or none. Some repeat id and name in each piece.
 */
export function createChatCalls(): ChatCalls {
  const list: ChatCall[] = []
  const byIndex = new Map<number, ChatCall>()

  function find({ index, id }: CallPiece): ChatCall | undefined {
    if (index !== undefined) return byIndex.get(index)
    return (id && list.findLast((call) => call.id === id)) || list.at(-1)
  }

  return {
    list,
    add(piece) {
      const { index, id = '', type: _type, function: called, ...rest } = piece
      const name = called?.name ?? ''
      const text = asText(called?.arguments)
      const known = find(piece)
      // Said once more in whole, as some do at the end.
      if (known !== undefined && id !== '' && id === known.id && text === known.text) {
        return { call: known, text: '' }
      }
      const call =
        known === undefined || isAnother(known, { index, id, name, text })
          ? { index: list.length, id: '', name: '', text: '', rest: {} }
          : known
      if (call !== known) {
        list.push(call)
        if (index !== undefined) byIndex.set(index, call)
      }
      call.id ||= id
      call.name = joinName(call.name, name)
      call.text += text
      for (const [key, value] of Object.entries(rest)) {
        // A chunk is parsed JSON, whatever its type says.
        if (value !== null && value !== undefined) call.rest[key] = value as Json
      }
      return { call, text }
    },
  }
}

interface Piece {
  index: number | undefined
  id: string
  name: string
  text: string
}

/** Whether a piece with the index of a call begins another call. */
function isAnother(call: ChatCall, { index, id, name, text }: Piece): boolean {
  // Nothing follows on what is complete.
  if (text.trim() !== '' && isComplete(call.text)) return true
  if (name === '') return false
  if (id !== '' && call.id !== '' && id !== call.id) {
    // Some give each piece an id of its own: in the middle of the arguments it is no other call's.
    return index === undefined || call.text.trim() === '' || isComplete(call.text)
  }
  return id === '' && call.id === '' && name !== call.name && isComplete(call.text)
}

function isComplete(text: string): boolean {
  if (text.trim() === 'null') return true
  return text.trimStart().startsWith('{') && typeof parseToolArguments(text) !== 'string'
}

/** A name comes whole, again and again, or in pieces. */
function joinName(known: string, name: string): string {
  if (name === '' || name === known) return known
  return name.startsWith(known) ? name : known + name
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value
  return value === null || value === undefined ? '' : JSON.stringify(value)
}
