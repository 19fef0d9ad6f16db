// One answer of a model, in the formats of the providers.

/** A model's answer. A call's arguments come in these pieces; adjacent calls are parallel. */
export type Said = { text: string } | { thought: string } | { call: string; name: string; pieces: string[] }

export interface SaidAnswer {
  said: readonly Said[]
  end?: 'stop' | 'tool-calls' | 'length' | 'content-filter'
  /** Default: 30 in, of which 10 came from a cache, and 20 out. */
  isUncounted?: boolean
}

export interface Wire {
  /** How many of the last frames end the answer. Without them it is cut off. */
  frames(answer: SaidAnswer): string[]
  /** The body of a refusal. */
  refusal(type: string, message: string): object
}

const data = (value: object, event?: string) =>
  `${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(value)}\n\n`

const REASONS = {
  stop: 'stop',
  'tool-calls': 'tool_calls',
  length: 'length',
  'content-filter': 'content_filter',
} as const

export const chatWire: Wire = {
  frames({ said, end = 'stop', isUncounted = false }) {
    let calls = 0
    const chunk = (delta: object, finish_reason: string | null = null) =>
      data({
        id: 'c',
        object: 'chat.completion.chunk',
        model: 'm',
        choices: [{ index: 0, delta, finish_reason }],
      })
    const frames = said.flatMap((each) => {
      if ('text' in each) return [chunk({ content: each.text })]
      if ('thought' in each) return [chunk({ reasoning_content: each.thought })]
      const index = calls++
      const piece = (rest: object) => chunk({ tool_calls: [{ index, ...rest }] })
      return [
        piece({ id: each.call, type: 'function', function: { name: each.name, arguments: '' } }),
        ...each.pieces.map((text) => piece({ function: { arguments: text } })),
      ]
    })
    const usage = {
      prompt_tokens: 30,
      completion_tokens: 20,
      total_tokens: 50,
      prompt_tokens_details: { cached_tokens: 10 },
    }
    const counted = isUncounted
      ? []
      : [data({ id: 'c', object: 'chat.completion.chunk', choices: [], usage })]
    return [...frames, chunk({}, REASONS[end]), ...counted, 'data: [DONE]\n\n']
  },
  refusal: (type, message) => ({ error: { message, type, code: type, param: null } }),
}

export const responsesWire: Wire = {
  frames({ said, end = 'stop', isUncounted = false }) {
    const event = (type: string, rest: object) => data({ type, ...rest }, type)
    const items: object[] = []
    const frames = said.flatMap((each, output_index) => {
      const added = (item: object) => event('response.output_item.added', { output_index, item })
      const done = (item: object) => {
        items.push(item)
        return event('response.output_item.done', { output_index, item })
      }
      if ('text' in each) {
        const content = [{ type: 'output_text', text: each.text }]
        return [
          event('response.output_text.delta', { output_index, delta: each.text }),
          done({ type: 'message', role: 'assistant', content }),
        ]
      }
      if ('thought' in each) {
        return [
          event('response.reasoning_summary_text.delta', { output_index, delta: each.thought }),
          done({ type: 'reasoning', id: 'rs', summary: [], encrypted_content: 'secret' }),
        ]
      }
      const item = { type: 'function_call', call_id: each.call, name: each.name }
      return [
        added({ ...item, arguments: '' }),
        ...each.pieces.map((delta) =>
          event('response.function_call_arguments.delta', { output_index, delta }),
        ),
        done({ ...item, arguments: each.pieces.join('') }),
      ]
    })
    const usage = { input_tokens: 30, output_tokens: 20, input_tokens_details: { cached_tokens: 10 } }
    const isWhole = end === 'stop' || end === 'tool-calls'
    const reason = end === 'length' ? 'max_output_tokens' : 'content_filter'
    const type = isWhole ? 'response.completed' : 'response.incomplete'
    const response = {
      object: 'response',
      status: isWhole ? 'completed' : 'incomplete',
      output: items,
      ...(isUncounted ? {} : { usage }),
      ...(isWhole ? {} : { incomplete_details: { reason } }),
    }
    return [...frames, event(type, { response })]
  },
  refusal: (type, message) => ({ error: { message, type, code: type, param: null } }),
}

const STOPS = {
  stop: 'end_turn',
  'tool-calls': 'tool_use',
  length: 'max_tokens',
  'content-filter': 'refusal',
} as const

export const anthropicWire: Wire = {
  frames({ said, end = 'stop', isUncounted = false }) {
    const event = (type: string, rest: object = {}) => data({ type, ...rest }, type)
    const blocks = said.flatMap((each, index) => {
      const block = (content_block: object, ...deltas: object[]) => [
        event('content_block_start', { index, content_block }),
        ...deltas.map((delta) => event('content_block_delta', { index, delta })),
        event('content_block_stop', { index }),
      ]
      if ('text' in each) return block({ type: 'text', text: '' }, { type: 'text_delta', text: each.text })
      if ('thought' in each) {
        return block(
          { type: 'thinking', thinking: '', signature: '' },
          { type: 'thinking_delta', thinking: each.thought },
          { type: 'signature_delta', signature: 'signed' },
        )
      }
      return block(
        { type: 'tool_use', id: each.call, name: each.name, input: {} },
        ...each.pieces.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
      )
    })
    const usage = isUncounted
      ? {}
      : { usage: { input_tokens: 20, cache_read_input_tokens: 10, output_tokens: 1 } }
    const message = { id: 'm', type: 'message', role: 'assistant', content: [], model: 'm', ...usage }
    const counted = isUncounted ? {} : { usage: { output_tokens: 20 } }
    return [
      event('message_start', { message }),
      ...blocks,
      event('message_delta', { delta: { stop_reason: STOPS[end] }, ...counted }),
      event('message_stop'),
    ]
  },
  refusal: (type, message) => ({ type: 'error', error: { type, message } }),
}
