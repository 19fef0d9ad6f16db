import type { ToolCall } from '../../contract/message.ts'
import type { ModelChunk } from '../../ports/model.ts'
import { parseToolArguments } from '../provider/tool-arguments.ts'

type Piece = Extract<ModelChunk, { type: 'tool-input' }>
type Whole = Extract<ModelChunk, { type: 'tool-call' }>

interface Call {
  id: string
  name: string
  text: string
  whole?: ToolCall
}

/** The calls of an answer, which are told whole in the order in which they began, whichever is whole first. */
export function createCalls() {
  const list: Call[] = []
  let told = 0

  function* ready(): Generator<Whole> {
    for (let call = list[told]; call?.whole !== undefined; call = list[told]) {
      told += 1
      yield { type: 'tool-call', toolCall: call.whole }
    }
  }
  // Some providers give one id to several calls.
  const find = (id: string) => list.find((call) => call.id === id && call.whole === undefined)
  const toPiece = (call: Call, text: string): Piece => ({
    type: 'tool-input',
    index: list.indexOf(call),
    name: call.name,
    text,
  })

  return {
    get count() {
      return list.length
    },
    begin(id: string, name: string): Piece {
      const call: Call = { id, name, text: '' }
      list.push(call)
      return toPiece(call, '')
    },
    extend(id: string, text: string): Piece | undefined {
      const call = find(id)
      if (call === undefined) return undefined
      call.text += text
      return toPiece(call, text)
    },
    *end(toolCall: ToolCall): Generator<Whole> {
      const begun = find(toolCall.id)
      if (begun === undefined) list.push({ id: toolCall.id, name: toolCall.name, text: '', whole: toolCall })
      else begun.whole = toolCall
      yield* ready()
    },
    /** Those whose end was never told. */
    *rest(): Generator<Whole> {
      for (const call of list) {
        call.whole ??= { id: call.id, name: call.name, arguments: parseToolArguments(call.text) }
      }
      yield* ready()
    },
  }
}
