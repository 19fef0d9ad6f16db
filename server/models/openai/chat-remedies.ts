import type { ResponseSchema } from '../../ports/model.ts'
import { toldSchema } from '../provider/told-schema.ts'
import { type Body, type Remedy, isAbout, isUnsupported, omit, without } from '../provider/remedies.ts'

type ChatMessage = Record<string, unknown>

/** Reasoning goes back by default. Some servers want it, and some refuse a field that they don't know. */
const RETURNED_FIELDS = [
  'reasoning_content',
  'reasoning_details',
  'reasoning_text',
  'reasoning',
  'thinking_blocks',
  'extra_content',
  'provider_specific_fields',
] as const

const MISSING = /missing|required|must be (?:passed|provided|included)/i

/** From some models on, OpenAI takes tools only with reasoning switched off, and refuses this field also where it is not sent. */
const withoutReasoning: Remedy = {
  name: 'reasoning_effort none',
  fits: ({ param }, body) => param === 'reasoning_effort' && !('reasoning_effort' in body) && 'tools' in body,
  apply: (body) => ({ ...body, reasoning_effort: 'none' }),
}

/** The older name of the field, which most servers other than OpenAI's know. */
const olderLimit: Remedy = {
  name: 'max_tokens',
  fits: (refusal, body) => 'max_completion_tokens' in body && isUnsupported(refusal, 'max_completion_tokens'),
  apply: ({ max_completion_tokens, ...body }) =>
    max_completion_tokens === undefined ? body : { ...body, max_tokens: max_completion_tokens },
}

/** DeepSeek and Kimi want what was thought with each call, also of an answer of somebody else's, which has none for them. */
const withReasoning: Remedy = {
  name: 'reasoning_content everywhere',
  fits: (refusal) => isAbout(refusal, 'reasoning_content') && MISSING.test(refusal.message ?? ''),
  apply: (body) =>
    onAnswers(body, (message) =>
      'reasoning_content' in message ? message : { ...message, reasoning_content: ' ' },
    ),
}

/** What Google documents for calls that none of its models made. */
const NO_SIGNATURE = { google: { thought_signature: 'skip_thought_signature_validator' } }

const withSignatures: Remedy = {
  name: 'thought signatures everywhere',
  fits: ({ message }) => /thought[ _]?signature/i.test(message ?? '') && MISSING.test(message ?? ''),
  apply: (body) =>
    onCalls(body, (call) => ('extra_content' in call ? call : { ...call, extra_content: NO_SIGNATURE })),
}

/** Signed by another model, account or route of the server's. */
const otherSignatures: Remedy = {
  name: 'no thought signatures of others',
  fits: ({ message }) => /(?:invalid|corrupted) thought[ _]?signature/i.test(message ?? ''),
  apply: (body) => onCalls(body, (call) => ({ ...call, extra_content: NO_SIGNATURE })),
}

function withoutReturned(field: (typeof RETURNED_FIELDS)[number]): Remedy {
  const has = (part: ChatMessage) => field in part
  const drop = (part: ChatMessage) => omit(part, field)
  return {
    name: `messages without ${field}`,
    fits: (refusal, body) =>
      isUnsupported(refusal, field) && messagesOf(body).some((each) => has(each) || callsOf(each).some(has)),
    apply: (body) => onCalls(onAnswers(body, drop), drop),
  }
}

/** Where a server can't enforce a schema, the model is told the schema. */
const toldForm: Remedy = {
  name: 'the form of the answer told in words',
  fits: (refusal, body) =>
    'response_format' in body &&
    (isAbout(refusal, 'response_format') || /json_schema|structured output/i.test(refusal.message ?? '')),
  apply: (body) => {
    const { response_format, ...rest } = body
    const { json_schema } = response_format as { json_schema: ResponseSchema }
    return { ...rest, messages: [{ role: 'system', content: toldSchema(json_schema) }, ...messagesOf(body)] }
  },
}

/** In the order in which they are tried; `kept` are fields that somebody asked for by name, and which stay. */
export function chatRemedies(kept: ReadonlySet<string>): readonly Remedy[] {
  return [
    withoutReasoning,
    olderLimit,
    toldForm,
    withReasoning,
    otherSignatures,
    withSignatures,
    ...RETURNED_FIELDS.map(withoutReturned),
    ...[
      'stream_options',
      'temperature',
      'reasoning_effort',
      'tool_choice',
      'parallel_tool_calls',
      'stop',
      'prompt_cache_key',
    ]
      .filter((field) => !kept.has(field))
      .map(without),
  ].filter((remedy) => remedy !== withoutReasoning || !kept.has('reasoning_effort'))
}

function messagesOf(body: Body): ChatMessage[] {
  return body['messages'] as ChatMessage[]
}

function callsOf(message: ChatMessage): ChatMessage[] {
  return (message['tool_calls'] as ChatMessage[] | undefined) ?? []
}

function onAnswers(body: Body, change: (message: ChatMessage) => ChatMessage): Body {
  const messages = messagesOf(body).map((each) => (each['role'] === 'assistant' ? change(each) : each))
  return { ...body, messages }
}

function onCalls(body: Body, change: (call: ChatMessage) => ChatMessage): Body {
  return onAnswers(body, (message) =>
    message['tool_calls'] === undefined ? message : { ...message, tool_calls: callsOf(message).map(change) },
  )
}
