import { z } from 'zod'
import type { Json } from '../../contract/json.ts'
import type { Message } from '../../contract/message.ts'
import type { Part } from '../../contract/message-part.ts'
import { textOf } from '../../contract/text-of.ts'
import { ModelError } from '../../ports/model.ts'
import type { ModelRequest, ToolChoice } from '../../ports/model.ts'
import { merged } from '../provider/history.ts'
import { toValidMessages } from '../provider/provider-messages.ts'
import { type Body, type Remedy, isAbout, omit, without } from '../provider/remedies.ts'
import { toldSchema } from '../provider/told-schema.ts'
import { toArgumentsObject } from '../provider/tool-arguments.ts'

/** As it is stored with an answer. */
const Stored = z.object({
  wire: z.literal('responses'),
  server: z.string(),
  items: z.array(z.looseObject({ type: z.string() })),
})

interface Asked {
  provider: string
  name: string
  server: string
  extra: Record<string, unknown>
}

/** A request to OpenAI's responses. OpenAI stores nothing: reasoning comes back encrypted and is sent again. */
export function toResponsesBody(request: ModelRequest, { provider, name, server, extra }: Asked): Body {
  const { tools, maxOutputTokens, temperature, reasoningEffort, responseSchema } = request
  const itemsOf = (data: Json | undefined) => {
    const known = Stored.safeParse(data)
    return known.success && known.data.server === server ? known.data.items : undefined
  }
  const isOwn = (data: Json | undefined) => data === undefined || itemsOf(data) !== undefined
  const { messages, dataOf } = toValidMessages(request.messages, provider, isOwn)
  const history = merged(messages, (message) => dataOf(message) !== undefined)
  return {
    model: name,
    input: history.flatMap((message) => itemsOf(dataOf(message))?.filter(isSendable) ?? toItems(message)),
    ...(tools === undefined || tools.length === 0
      ? {}
      : {
          tools: tools.map((tool) => ({ type: 'function', strict: false, ...tool })),
          ...toChoice(request.toolChoice),
        }),
    ...(maxOutputTokens === undefined ? {} : { max_output_tokens: maxOutputTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(reasoningEffort === undefined ? {} : { reasoning: { effort: reasoningEffort } }),
    ...(responseSchema === undefined ? {} : { text: { format: { type: 'json_schema', ...responseSchema } } }),
    store: false,
    include: ['reasoning.encrypted_content'],
    ...extra,
    stream: true,
  }
}

function toChoice(choice: ToolChoice | undefined): object {
  if (choice === undefined) return {}
  return { tool_choice: typeof choice === 'string' ? choice : { type: 'function', name: choice.tool } }
}

/** What was thought and is not encrypted is known to a server alone that keeps it. */
function isSendable(item: Record<string, unknown>): boolean {
  return item['type'] !== 'reasoning' || Boolean(item['encrypted_content'])
}

function toItems(message: Message): object[] {
  switch (message.role) {
    case 'system':
      return [{ role: 'system', content: textOf(message) }]
    case 'user':
      return [{ role: 'user', content: toInput(message.content) }]
    case 'tool':
      return [{ type: 'function_call_output', call_id: message.toolCallId, output: toInput(message.content) }]
    case 'assistant': {
      const { content, toolCalls = [] } = message
      const parts = Array.isArray(content) ? (content as readonly Part[]) : []
      const said =
        typeof content === 'string'
          ? content
          : parts
              .flatMap((part) => (part.type === 'text' || part.type === 'refusal' ? [part.text] : []))
              .join('\n\n')
      return [
        ...(said.trim() === '' ? [] : [{ role: 'assistant', content: said }]),
        ...toolCalls.map(({ id, name, arguments: given }) => ({
          type: 'function_call',
          call_id: id,
          name,
          arguments: JSON.stringify(toArgumentsObject(given)),
        })),
      ]
    }
  }
}

function toInput(content: string | readonly Part[]): string | object[] {
  return typeof content === 'string' ? content : content.map(toInputPart)
}

function toInputPart(part: Part): object {
  switch (part.type) {
    case 'text':
    case 'refusal':
    case 'reasoning':
      return { type: 'input_text', text: part.text }
    case 'image':
      return { type: 'input_image', image_url: part.url, detail: part.detail ?? 'auto' }
    case 'file': {
      const { url, fileId, filename } = part
      const isData = url?.startsWith('data:') === true
      return {
        type: 'input_file',
        ...(fileId === undefined ? {} : { file_id: fileId }),
        ...(url === undefined ? {} : isData ? { file_data: url } : { file_url: url }),
        // What has no name is refused.
        ...(isData || filename !== undefined ? { filename: filename ?? 'file' } : {}),
      }
    }
    case 'audio':
      throw new ModelError("OpenAI's responses take no audio: give a transcript.", {
        code: 'invalid_request',
        retriable: false,
      })
  }
}

const inputOf = (body: Body) => body['input'] as Record<string, unknown>[]

/** Encrypted for another account, or another model. */
const withoutThoughts: Remedy = {
  name: 'without reasoning items',
  fits: ({ message }, body) =>
    /encrypted|reasoning/i.test(message ?? '') && inputOf(body).some(({ type }) => type === 'reasoning'),
  apply: (body) => ({
    ...body,
    input: inputOf(body)
      .filter(({ type }) => type !== 'reasoning')
      .map((item) => omit(item, 'id')),
  }),
}

const toldForm: Remedy = {
  name: 'the form of the answer told in words',
  fits: (refusal, body) =>
    'text' in body && (isAbout(refusal, 'text') || /schema/i.test(refusal.message ?? '')),
  apply: ({ text, ...body }) => {
    const { format } = text as { format: { schema: Record<string, unknown> } }
    const told = toldSchema({ name: 'answer', schema: format.schema })
    return { ...body, input: [{ role: 'system', content: told }, ...inputOf(body)] }
  },
}

/** In the order in which they are tried; `kept` are fields that somebody asked for by name, and which stay. */
export function responsesRemedies(kept: ReadonlySet<string>): readonly Remedy[] {
  return [
    ...(kept.has('text') ? [] : [toldForm]),
    withoutThoughts,
    ...['temperature', 'reasoning', 'tool_choice', 'include', 'store']
      .filter((field) => !kept.has(field))
      .map(without),
  ]
}
