import type { Json } from '../../contract/json.ts'
import type { ModelChunk } from '../../ports/model.ts'
import { parseToolArguments, toArgumentsObject } from '../provider/tool-arguments.ts'
import type { MessageEvent, WireBlock } from './wire.ts'

interface OpenBlock {
  block: WireBlock
  /** The input of a tool, as JSON text. */
  input: string
  /** Which of the answer's calls it is. */
  call: number | undefined
}

export interface Blocks {
  /** Those that are complete, in their order. */
  readonly list: readonly WireBlock[]
  readonly calls: number
  begin(index: number | undefined, block: WireBlock): ModelChunk[]
  extend(index: number | undefined, delta: NonNullable<MessageEvent['delta']>): ModelChunk[]
  /** Of one block, or of all that are still open. */
  end(index?: number): ModelChunk[]
}

const TYPES: Readonly<Record<string, string>> = {
  text_delta: 'text',
  thinking_delta: 'thinking',
  signature_delta: 'thinking',
}

/** Puts the blocks of an answer together from their pieces. */
export function createBlocks(): Blocks {
  const open = new Map<number | undefined, OpenBlock>()
  const list: WireBlock[] = []
  let calls = 0

  function begin(index: number | undefined, block: WireBlock): ModelChunk[] {
    const isCall = block.type === 'tool_use'
    const call = isCall ? calls++ : undefined
    // What is undefined is not sent, but was not there either.
    open.set(index, { block: { ...defined(block) }, input: '', call })
    if (call !== undefined) return [{ type: 'tool-input', index: call, name: block.name ?? '', text: '' }]
    return said(block.text, block.thinking)
  }

  return {
    list,
    get calls() {
      return calls
    },
    begin,
    extend(index, delta) {
      const type = TYPES[delta.type ?? '']
      // Some servers begin no block.
      if (!open.has(index) && type !== undefined) begin(index, { type } as WireBlock)
      const known = open.get(index)
      if (known === undefined) return []
      const { block, call } = known
      if (delta.type === 'citations_delta') {
        block['citations'] = [...((block['citations'] as unknown[] | undefined) ?? []), delta.citation]
      }
      if (delta.signature !== undefined) block['signature'] = delta.signature
      if (delta.text !== undefined) block.text = (block.text ?? '') + delta.text
      if (delta.thinking !== undefined) block.thinking = (block.thinking ?? '') + delta.thinking
      if (delta.partial_json !== undefined) {
        known.input += delta.partial_json
        if (call !== undefined) {
          return [{ type: 'tool-input', index: call, name: block.name ?? '', text: delta.partial_json }]
        }
      }
      return said(delta.text, delta.thinking)
    },
    end(index) {
      const ended = index === undefined ? [...open.keys()] : [index]
      return ended.flatMap((each) => {
        const known = open.get(each)
        if (known === undefined) return []
        open.delete(each)
        list.push(known.block)
        return finish(known)
      })
    },
  }
}

function said(text: string | undefined, thinking: string | undefined): ModelChunk[] {
  return [
    ...(thinking ? [{ type: 'reasoning' as const, text: thinking }] : []),
    ...(text ? [{ type: 'text' as const, text }] : []),
  ]
}

/** Servers' tools have their input in pieces too. */
function finish({ block, input, call }: OpenBlock): ModelChunk[] {
  if (!block.type.endsWith('tool_use')) return []
  const given = block['input'] as Json | undefined
  const parsed = input.trim() === '' ? (given ?? {}) : parseToolArguments(input)
  block['input'] = toArgumentsObject(parsed)
  if (call === undefined) return []
  const { id = '', name = '' } = block
  return [{ type: 'tool-call', toolCall: { id, name, arguments: parsed } }]
}

function defined(block: WireBlock): WireBlock {
  return Object.fromEntries(Object.entries(block).filter(([, value]) => value !== undefined)) as WireBlock
}
