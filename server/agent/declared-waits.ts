import { z } from 'zod'
import { nearest } from '../config/nearest.ts'
import { isPlainObject } from '../contract/json.ts'
import { CALL_NAME, CallName } from '../contract/wait.ts'
import { isReservedWait } from '../contract/wait-names.ts'
import type { Schema } from '../contract/schema.ts'
import type { AgentWaits } from './wait.ts'
import { NonRetriableError } from './non-retriable-error.ts'

/** @throws TypeError when one can't be waited for. */
export function assertWaits(agentKey: string, waits: AgentWaits): void {
  if (!isPlainObject(waits)) {
    throw new TypeError(
      `Agent "${agentKey}": waits are an object of names and schemas, such as { address: z.string() }.`,
    )
  }
  for (const [name, schema] of Object.entries(waits)) {
    const refuse = (why: string, cause?: unknown) => {
      throw new TypeError(`Agent "${agentKey}" declares the wait ${JSON.stringify(name)}, ${why}`, { cause })
    }
    if (!CallName.safeParse(name).success) refuse(`whose name is not ${CALL_NAME}.`)
    if (isReservedWait(name))
      refuse('a name that is the runtime\'s: use one that is not "sleep", "approve:…", "tool:…" or "ask:…".')
    try {
      z.toJSONSchema(schema, { io: 'input' })
    } catch (cause) {
      refuse(
        "whose schema can't be written as JSON Schema, by which answers are checked: use one of plain data.",
        cause,
      )
    }
  }
}

/** @throws NonRetriableError when the agent declares waits, and not this one. */
export function declaredWait(waits: AgentWaits, name: string): Schema {
  const schema = Object.hasOwn(waits, name) ? waits[name] : undefined
  if (schema !== undefined) return schema
  const meant = nearest(name, Object.keys(waits))
  throw new NonRetriableError(
    `The agent declares no wait "${name}"${meant === undefined ? '.' : `, did you mean "${meant}"?`}`,
  )
}
