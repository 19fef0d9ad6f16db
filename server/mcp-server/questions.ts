// What a run waits for, in the form in which MCP asks people: flat forms of plain values.
import type { InputRequests } from '@modelcontextprotocol/server'
import { inputRequired, inputResponse } from '@modelcontextprotocol/server'
import { isPlainObject } from '../contract/json.ts'
import type { Json } from '../contract/json.ts'
import type { PendingWait } from '../contract/wait.ts'

type Form = Parameters<typeof inputRequired.elicit>[0]['requestedSchema']

const PLAIN = new Set<unknown>(['string', 'number', 'integer', 'boolean'])

export function questionsOf(waits: readonly PendingWait[]): InputRequests {
  return Object.fromEntries(
    askedOf(waits).map((wait) => [
      idOf(wait),
      inputRequired.elicit({ message: messageOf(wait), requestedSchema: formOf(wait) }),
    ]),
  )
}

/** Those of the waits that somebody is asked to answer. */
export function askedOf(waits: readonly PendingWait[]): PendingWait[] {
  return waits.filter(({ kind }) => kind === 'input' || kind === 'approval')
}

/** What was answered of it. A question that was declined is, of an approval, a no, and of anything else left open. */
export function answersOf(
  waits: readonly PendingWait[],
  responses: Record<string, unknown>,
): { runId: string | undefined; wait: string; occurrence: number; value: Json }[] {
  return waits.flatMap((wait) => {
    const response = inputResponse(responses, idOf(wait))
    if (response.kind !== 'elicit') return []
    const { action, content = {} } = response
    const asked = { runId: wait.runId, wait: wait.name, occurrence: wait.occurrence ?? 1 }
    if (wait.kind === 'approval') {
      const { hash } = wait.details as { hash: string }
      const approved = action === 'accept' && content['approved'] === true
      const { comment } = content
      return [{ ...asked, value: { approved, hash, ...(typeof comment === 'string' ? { comment } : {}) } }]
    }
    if (action !== 'accept') return []
    return [{ ...asked, value: (isFlat(wait.schema) ? content : content['value']) as Json }]
  })
}

export function isDeclined(waits: readonly PendingWait[], responses: Record<string, unknown>): boolean {
  return waits.some((wait) => {
    const response = inputResponse(responses, idOf(wait))
    return response.kind === 'elicit' && response.action !== 'accept'
  })
}

/** Runs below may wait for the same, and a run for the same again, which is another question. */
function idOf({ name, runId, occurrence = 1 }: PendingWait): string {
  const told = occurrence === 1 && !/#\d+$/.test(name) ? name : `${name}#${occurrence}`
  return runId === undefined ? told : `${runId}/${told}`
}

function messageOf({ name, kind, details }: PendingWait): string {
  if (kind !== 'approval')
    return typeof details === 'string' ? details : `${name}: ${JSON.stringify(details)}`
  const { tool, arguments: args } = details as { tool: string; arguments: Json }
  return `May ${tool} be run with ${JSON.stringify(args)}?`
}

function formOf({ kind, schema }: PendingWait): Form {
  if (kind === 'approval') {
    const properties = { approved: { type: 'boolean' }, comment: { type: 'string' } }
    return { type: 'object', properties, required: ['approved'] } as Form
  }
  if (isFlat(schema)) return schema as unknown as Form
  const value = isPlainObject(schema) && PLAIN.has(schema['type']) ? schema : { type: 'string' }
  return { type: 'object', properties: { value }, required: ['value'] } as unknown as Form
}

function isFlat(schema: Json): boolean {
  if (!isPlainObject(schema) || schema['type'] !== 'object' || !isPlainObject(schema['properties']))
    return false
  return Object.values(schema['properties']).every(
    (field) => isPlainObject(field) && PLAIN.has(field['type']),
  )
}
