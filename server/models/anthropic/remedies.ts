import { toldSchema } from '../provider/told-schema.ts'
import { type Body, type Remedy, omit, without } from '../provider/remedies.ts'

interface Turn {
  role: 'user' | 'assistant'
  content: { type: string }[]
}

/** Signed for another server, or another model: what was thought can be left out, and is thought again. */
const withoutThinking: Remedy = {
  name: 'messages without thinking',
  fits: ({ message }, body) =>
    /signature/i.test(message ?? '') &&
    /thinking/i.test(message ?? '') &&
    turnsOf(body).some(({ content }) => content.some(isThinking)),
  apply: (body) => ({
    ...body,
    messages: turnsOf(body).map((turn) => ({
      ...turn,
      content: turn.content.filter((block) => !isThinking(block)),
    })),
  }),
}

/** From some models on, what an assistant said can't be gone on with. */
const endingWithUser: Remedy = {
  name: 'a last turn of the user',
  fits: ({ message }, body) =>
    /prefill|end with a user message/i.test(message ?? '') && turnsOf(body).at(-1)?.role === 'assistant',
  apply: (body) => ({
    ...body,
    messages: [...turnsOf(body), { role: 'user', content: [{ type: 'text', text: 'Go on.' }] }],
  }),
}

/** A model that thinks can't be made to call a tool. */
const freeChoice: Remedy = {
  name: 'a free choice of tools',
  fits: ({ message }, body) =>
    /tool_choice/.test(message ?? '') && /thinking|forces/i.test(message ?? '') && isForced(body),
  apply: (body) => (isForced(body) ? { ...body, tool_choice: { type: 'auto' } } : body),
}

function isForced(body: Body): boolean {
  const { type } = Object(body['tool_choice']) as { type?: string }
  return type === 'any' || type === 'tool'
}

/** A schema may have what Anthropic can't hold a model to: then the model is told. */
const toldForm: Remedy = {
  name: 'the form of the answer told in words',
  fits: ({ message }, body) =>
    formatOf(body) !== undefined &&
    /output_config|output_format|schema|structured output/i.test(message ?? ''),
  apply: (body) => {
    const { format, ...config } = body['output_config'] as Record<string, unknown>
    const told = toldSchema({
      name: 'answer',
      schema: (format as { schema: Record<string, unknown> }).schema,
    })
    return {
      ...omit(body, 'output_config'),
      ...(Object.keys(config).length === 0 ? {} : { output_config: config }),
      system: [body['system'], told].filter(Boolean).join('\n\n'),
    }
  },
}

function formatOf(body: Body): unknown {
  return (body['output_config'] as { format?: unknown } | undefined)?.format
}

/** In the order in which they are tried; `kept` are fields that somebody asked for by name, and which stay. */
export function anthropicRemedies(kept: ReadonlySet<string>): readonly Remedy[] {
  return [
    toldForm,
    withoutThinking,
    endingWithUser,
    ...(kept.has('tool_choice') ? [] : [freeChoice]),
    ...['temperature', 'tool_choice', 'stop_sequences', 'output_config', 'cache_control']
      .filter((field) => !kept.has(field))
      .map(without),
  ]
}

function turnsOf(body: Body): Turn[] {
  return body['messages'] as Turn[]
}

function isThinking({ type }: { type: string }): boolean {
  return type === 'thinking' || type === 'redacted_thinking'
}
