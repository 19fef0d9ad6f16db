import { z } from 'zod'
import { CONVERSATION_EVENTS } from '../contract/conversation-event.ts'
import { RUNTIME_EVENTS } from '../contract/runtime-events.ts'
import { CreateRunInput } from '../contract/create-run.ts'
import { RETENTION_DAYS, RetentionDays } from '../config/retention-days.ts'
import type { Schema } from '../contract/schema.ts'
import { unknownOption } from './unknown-option.ts'
import type { AgentWaits } from './wait.ts'
import { assertTools } from './declared-tools.ts'
import type { AgentTools } from './declared-tools.ts'
import { assertWaits } from './declared-waits.ts'
import { VERSION_CHANGES } from './agent.ts'
import type { AgentEvents, Agent, AnyAgent } from './agent.ts'

const OPTIONS: Record<keyof AnyAgent, true> = {
  key: true,
  description: true,
  params: true,
  output: true,
  events: true,
  waits: true,
  tools: true,
  maxAttempts: true,
  timeoutMs: true,
  budget: true,
  isolation: true,
  conversationPolicy: true,
  version: true,
  onVersionChange: true,
  retentionDays: true,
  schedules: true,
  run: true,
}

const EVENT_OPTIONS: Record<keyof AgentEvents[string], true> = { schema: true, visibility: true }

// On the wire a line break would end the line that names it, and half a character is stored as another one.
const EVENT_TYPE = /^[^\s\p{Cc}\p{Cs}]{1,100}$/u
const AGENT_KEY = /^[a-zA-Z0-9_.-]{1,100}$/

/**
 * Declares an agent. Types flow from the schemas: `ctx.params`, `ctx.emit` and the result are checked
 * here, and the same types reach the client through `createAgentClient<typeof runtime>`.
 *
 * @throws TypeError when the key, an event type or the name of a wait or a tool is malformed or one of the runtime's own, a schema of these
 * can't be written as JSON Schema, or `maxAttempts`,
 * `timeoutMs`, `budget`, `isolation`, `conversationPolicy`, `version`, `onVersionChange` or `retentionDays` is not valid, or there is no such option.
 * @example
 * export const greeter = defineAgent({
 *   key: 'greeter',
 *   params: z.object({ name: z.string() }),
 *   output: z.object({ greeting: z.string() }),
 *   async run(ctx) {
 *     await ctx.emitMessage(`Hello ${ctx.params.name}`)
 *     return { output: { greeting: `Hello ${ctx.params.name}` } }
 *   },
 * })
 */
export function defineAgent<
  const TKey extends string,
  TParams extends Schema | undefined = undefined,
  TOutput extends Schema | undefined = undefined,
  TEvents extends AgentEvents = Record<never, never>,
  TWaits extends AgentWaits | undefined = undefined,
  TTools extends AgentTools = Record<never, never>,
  // Within the list of a runtime, an agent's types are its own: none is taken from what the list may hold.
>(
  agent: Agent<TKey, TParams, TOutput, TEvents, TWaits, TTools>,
): Agent<TKey, NoInfer<TParams>, NoInfer<TOutput>, TEvents, NoInfer<TWaits>, TTools> {
  const unknown = unknownOption(agent, OPTIONS)
  if (unknown !== undefined) throw new TypeError(`Agent ${JSON.stringify(agent.key)}: ${unknown}`)
  if (!AGENT_KEY.test(agent.key)) {
    throw new TypeError(
      `Agent key ${JSON.stringify(agent.key)} is not valid: use 1 to 100 letters, digits, "_", "-" or ".".`,
    )
  }
  for (const [type, event] of Object.entries(agent.events ?? {})) {
    if (!EVENT_TYPE.test(type)) {
      throw new TypeError(
        `Agent "${agent.key}" declares ${JSON.stringify(type)}, which is no name of an event: use 1 to 100 characters without spaces, line breaks or control characters.`,
      )
    }
    if (Object.hasOwn(RUNTIME_EVENTS, type) || CONVERSATION_EVENTS.includes(type)) {
      throw new TypeError(`Agent "${agent.key}" declares "${type}", which is an event type of the runtime.`)
    }
    const unknown = unknownOption(event, EVENT_OPTIONS)
    if (unknown !== undefined) throw new TypeError(`Agent "${agent.key}", event "${type}": ${unknown}`)
  }
  assertWaits(agent.key, agent.waits === undefined ? {} : agent.waits)
  assertTools(agent.key, agent.tools === undefined ? {} : agent.tools)
  if (agent.isolation !== undefined && agent.isolation !== 'process') {
    throw new TypeError(`Agent "${agent.key}": isolation is "process" or left out.`)
  }
  assertVersion(agent)
  assertRetentionDays(agent)
  for (const option of ['maxAttempts', 'timeoutMs', 'budget', 'conversationPolicy'] as const) {
    const parsed = CreateRunInput.shape[option].safeParse(agent[option])
    if (parsed.success) continue
    throw new TypeError(`Agent "${agent.key}": ${option} is not valid. ${parsed.error.issues[0]?.message}`)
  }
  return agent
}

function assertVersion({ key, version, onVersionChange }: AnyAgent): void {
  if (version !== undefined && !z.string().min(1).max(100).safeParse(version).success) {
    throw new TypeError(`Agent "${key}": version is a text of 1 to 100 characters.`)
  }
  if (onVersionChange === undefined) return
  if (!VERSION_CHANGES.includes(onVersionChange)) {
    throw new TypeError(`Agent "${key}": onVersionChange is "continue", "restart" or "fail".`)
  }
  if (version === undefined) throw new TypeError(`Agent "${key}" has an onVersionChange, and no version.`)
}

function assertRetentionDays({ key, retentionDays }: AnyAgent): void {
  if (retentionDays === undefined || retentionDays === false) return
  if (RetentionDays.safeParse(retentionDays).success) return
  const { min, max } = RETENTION_DAYS
  throw new TypeError(`Agent "${key}": retentionDays is false or a number from ${min} to ${max}.`)
}
