import { z } from 'zod'
import { KEY_VARIABLES, either } from '../../config/providers.ts'
import type { Message, ToolCall } from '../../contract/message.ts'
import { textOf } from '../../contract/text-of.ts'
import type { ToolSpec } from '../../ports/model.ts'
import type { Plan } from './plan.ts'

const WHAT_IT_IS = `I am the built-in demo model: a handful of rules, not a language model. Set ${either(KEY_VARIABLES)} to talk to a real one.`

const Failure = z.object({ error: z.string() })
const Calculation = z.object({ expression: z.string(), result: z.number() })
const Time = z.object({ timeZone: z.string(), date: z.string(), time: z.string() })
const SavedNote = z.object({ savedTo: z.string() })
const Search = z.object({
  query: z.string(),
  passages: z.array(z.object({ path: z.string(), heading: z.string(), quote: z.string() })),
})

/** What to say when no tool is called. */
export function answerDirectly(kind: Exclude<Plan['kind'], 'call'>, tools: readonly ToolSpec[]): string {
  switch (kind) {
    case 'greet':
      return `Hello! ${WHAT_IT_IS} ${listTools(tools)}`
    case 'introduce':
      return `${WHAT_IT_IS} ${listTools(tools)}`
    case 'thanked':
      return 'You are welcome.'
    case 'lost':
      return `I can't match that to anything I can do. ${WHAT_IT_IS} ${listTools(tools)}`
  }
}

/** What to say once the tools have answered: one paragraph for each call, in their order. */
export function answerFromResults(messages: readonly Message[]): string {
  const results = new Map(
    messages.flatMap((message) => (message.role === 'tool' ? [[message.toolCallId, textOf(message)]] : [])),
  )
  return messages
    .flatMap((message) => (message.role === 'assistant' ? (message.toolCalls ?? []) : []))
    .map((call) => describeResult(call, results.get(call.id) ?? ''))
    .join('\n\n')
}

function describeResult(call: ToolCall, content: string): string {
  const result = parse(content)
  const failure = Failure.safeParse(result)
  if (failure.success) return describeFailure(call.name, failure.data.error)
  const calculation = Calculation.safeParse(result)
  if (call.name === 'calculator' && calculation.success) {
    return `${calculation.data.expression} is ${calculation.data.result}.`
  }
  const time = Time.safeParse(result)
  if (call.name === 'current_time' && time.success) {
    return `It is ${time.data.time} on ${time.data.date} (${time.data.timeZone}).`
  }
  const search = Search.safeParse(result)
  if (call.name === 'search_docs' && search.success) return describeSearch(search.data)
  const note = SavedNote.safeParse(result)
  if (call.name === 'save_note' && note.success) return `The note is in \`${note.data.savedTo}\`.`
  return `\`${call.name}\` answered: ${content}`
}

function describeFailure(name: string, error: string): string {
  const sentence = /[.!?]$/.test(error) ? error : `${error}.`
  switch (name) {
    case 'calculator':
      return `I could not work that out: ${sentence}`
    case 'current_time':
      return `I could not tell the time: ${sentence}`
    case 'search_docs':
      return `I could not search the documentation: ${sentence}`
    case 'save_note':
      return `I saved no note: ${sentence}`
    default:
      return `\`${name}\` failed: ${sentence}`
  }
}

/** The best passage is the answer, as it is; what else was found is quoted after it. */
function describeSearch({ query, passages: [best, ...others] }: z.infer<typeof Search>): string {
  if (best === undefined) return `I found nothing about “${query}” in the documentation.`
  const quotes = others.map(
    (passage) => `**${sourceOf(passage)}**\n\n${passage.quote.replaceAll(/^/gm, '> ')}`,
  )
  return [best.quote, `*From ${sourceOf(best)}.*`, ...quotes].join('\n\n')
}

function sourceOf({ path, heading }: { path: string; heading: string }): string {
  return heading === '' ? path : `${path}, “${heading}”`
}

function listTools(tools: readonly ToolSpec[]): string {
  if (tools.length === 0) return 'This agent offers me no tools, so there is little I can do.'
  const items = tools.map(({ name, description }) => `- \`${name}\`: ${description}`)
  return `What I can call for you:\n\n${items.join('\n')}`
}

function parse(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    return content
  }
}
