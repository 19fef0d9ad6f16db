import type { JsonObject } from '../../contract/json.ts'
import type { ToolSpec } from '../../ports/model.ts'
import { findExpression } from './arithmetic.ts'
import { findNote } from './note-request.ts'
import { salientWords } from './salient-words.ts'
import { findTimeQuestion } from './time-question.ts'

/** What to do about a user's message: small talk, tools to call, or nothing that fits. */
export type Plan =
  | { kind: 'greet' }
  | { kind: 'introduce' }
  | { kind: 'thanked' }
  | { kind: 'call'; calls: { name: string; arguments: JsonObject }[] }
  | { kind: 'lost' }

const GREETING =
  /^\W*(?:hi|hello|hey|howdy|greetings|good (?:morning|afternoon|evening|day))(?: there| all)?\W*$/i
const THANKS = /^\W*(?:(?:thanks|thank you|thx|cheers)\b[\w\s]{0,20}|great|perfect|nice|ok(?:ay)?)\W*$/i
const ABOUT_ITSELF =
  /\b(?:what can you do|what do you do|who are you|what are you|how can you help|are you (?:an? )?(?:real|ai|human|bot|language model|llm|gpt|claude|demo)|which (?:language )?model|what (?:language )?model (?:are|is))\b|^\W*help\W*$/i

export function plan(text: string, tools: readonly ToolSpec[]): Plan {
  if (GREETING.test(text)) return { kind: 'greet' }
  if (ABOUT_ITSELF.test(text)) return { kind: 'introduce' }
  const calls = planCalls(text, tools)
  if (calls.length > 0) return { kind: 'call', calls }
  return THANKS.test(text) ? { kind: 'thanked' } : { kind: 'lost' }
}

function planCalls(text: string, tools: readonly ToolSpec[]) {
  const offered = new Map(tools.map((tool) => [tool.name, tool]))
  const note = offered.has('save_note') ? findNote(text) : undefined
  if (note !== undefined) return [{ name: 'save_note', arguments: { text: note } }]
  const calls: { name: string; arguments: JsonObject }[] = []
  const open: string[] = []

  for (const clause of splitClauses(text)) {
    const expression = offered.has('calculator') ? findExpression(clause) : undefined
    // "What time is it in Paris and in Tokyo?"
    const goesOn = calls.at(-1)?.name === 'current_time' && /^in /i.test(clause)
    const time = offered.has('current_time')
      ? findTimeQuestion(goesOn ? `what time ${clause}` : clause)
      : undefined
    const special = findMentioned(clause, tools)
    if (expression !== undefined) calls.push({ name: 'calculator', arguments: { expression } })
    else if (time !== undefined) {
      const { timeZone } = time
      calls.push({ name: 'current_time', arguments: timeZone === undefined ? {} : { timeZone } })
    } else if (special !== undefined) calls.push(special)
    else open.push(clause)
  }

  const words = THANKS.test(text) ? [] : salientWords(open.join(' '))
  if (offered.has('search_docs') && words.length > 0) {
    calls.push({ name: 'search_docs', arguments: { query: words.join(' ') } })
  }
  return calls
}

// A comma inside parentheses ends no clause: "max(1, 2)" stays whole.
function splitClauses(text: string): string[] {
  return text
    .split(/[?!;]+|\.\s+|,\s+(?![^(]*\))|\b(?:and|also|then)\b/i)
    .map((clause) => clause.trim())
    .filter((clause) => clause !== '')
}

const OWN_TOOLS: ReadonlySet<string> = new Set(['calculator', 'current_time', 'search_docs', 'save_note'])

/**
 * A tool of somebody's own agent, when the clause says a word of its name and the tool needs at most one
 * text: "What is the weather in Paris" calls `get_weather` with what follows the preposition.
 */
function findMentioned(clause: string, tools: readonly ToolSpec[]) {
  const said = new Set(salientWords(clause).map((word) => word.toLowerCase()))
  for (const { name, parameters } of tools) {
    if (OWN_TOOLS.has(name)) continue
    const nameWords = salientWords(name.replaceAll(/[_-]/g, ' ')).map((word) => word.toLowerCase())
    if (!nameWords.some((word) => said.has(word))) continue
    const required = Array.isArray(parameters['required']) ? (parameters['required'] as unknown[]) : []
    if (required.length === 0) return { name, arguments: {} }
    const [parameter] = required
    const rest = [...said].filter((word) => !nameWords.includes(word)).join(' ')
    const value = /\b(?:in|for|of|about|on|at|to|from)\s+(.+)$/i.exec(clause)?.[1]?.trim() ?? rest
    if (required.length > 1 || typeof parameter !== 'string' || value === '') continue
    if (isText(parameters, parameter)) return { name, arguments: { [parameter]: value } }
  }
  return undefined
}

function isText(parameters: Record<string, unknown>, name: string): boolean {
  const properties = parameters['properties'] as Record<string, { type?: unknown } | undefined> | undefined
  return properties?.[name]?.type === 'string'
}
