import { createHash } from 'node:crypto'
import { z } from 'zod'
import { canonicalJson } from '../contract/canonical-json.ts'
import { createClientTools } from '../agent/client-tools.ts'
import type { AgentContext } from '../agent/context.ts'
import type { WaitOptions, WaitOutcome } from '../agent/wait.ts'
import { clientToolsOf, declaredTools } from '../agent/declared-tools.ts'
import { declaredWait } from '../agent/declared-waits.ts'
import type { AnyAgent } from '../agent/agent.ts'
import type { AnyTool } from '../agent/define-tool.ts'
import type { Asker, NamedQuestion } from '../agent/tool-question.ts'
import { NonRetriableError } from '../agent/non-retriable-error.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { detailsOf } from '../contract/issues.ts'
import type { Json } from '../contract/json.ts'
import { ApprovalAnswer, MAX_WAIT_MS, CALL_NAME, CallName } from '../contract/wait.ts'
import { APPROVAL_PREFIX, SLEEP } from '../contract/wait-names.ts'
import type { WaitKind } from '../contract/wait.ts'
import type { Schema } from '../contract/schema.ts'
import type { KnownWait, SettledWait } from '../ports/attempt.ts'
import type { ReadKnownWaits } from './known-waits.ts'
import { createNumberedOccurrences, createOccurrences, keyOf } from './occurrences.ts'
import type { Occurrence } from './occurrences.ts'
import { storedForm } from './stored-form.ts'
import type { Suspension } from './suspension.ts'

interface WaitRun {
  agent: Pick<AnyAgent, 'waits' | 'tools'>
  signal: AbortSignal
  suspension: Suspension
}

interface Question {
  name: string
  kind: WaitKind
  details: Json
  schema: Json
  timeoutMs: number | null
}

/** How long an approval can be given and used, in milliseconds. */
const APPROVAL_MS = 24 * 3600 * 1000

/** `ctx.wait`, `ctx.approve` and `ctx.sleep` of one attempt. */
export function createWaits(
  readSettled: ReadKnownWaits,
  { agent, signal, suspension }: WaitRun,
): Pick<AgentContext, 'wait' | 'approve' | 'sleep' | 'clientTools' | 'tools'> & { asker: Asker } {
  const next = createOccurrences()
  const nextInput = createNumberedOccurrences()
  let clientTools: readonly AnyTool[] | undefined

  /** @param named which one of that name it is, where that does not depend on the order of calls. */
  async function ask(question: Question, named?: Occurrence): Promise<SettledWait> {
    signal.throwIfAborted()
    const { name, kind, timeoutMs } = question
    if (!CallName.safeParse(name).success) {
      throw new NonRetriableError(`The name of a wait is ${CALL_NAME}.`)
    }
    if (timeoutMs !== null && !(timeoutMs >= 0 && timeoutMs <= MAX_WAIT_MS)) {
      throw new RangeError(`A wait may take from 0 to ${MAX_WAIT_MS} ms (a year), not ${timeoutMs}.`)
    }
    const call = named ?? (kind === 'input' ? nextInput(name) : next(name))
    const known = (await readSettled()).get(keyOf(call))
    return isSettled(known) ? known : suspension.add({ ...question, ...call })
  }

  async function wait(
    name: string,
    schema: Schema,
    { timeoutMs = null, details = null }: WaitOptions & { timeoutMs?: number | null } = {},
  ) {
    const question = { name, kind: 'input' as const, details: toDetails(name, details), timeoutMs }
    const { status, value, respondedBy } = await ask({ ...question, schema: toJsonSchema(name, schema) })
    if (status === 'timed_out') return { status }
    const parsed = await z.safeParseAsync(schema, value)
    if (parsed.success) return { status, value: parsed.data, respondedBy }
    // The answer passed the JSON Schema when it was given, where that could be read. What only zod can check is refused here.
    throw new AgentRuntimeError(
      'validation_failed',
      `The answer to "${name}" is not what the agent waits for.`,
      {
        details: detailsOf(parsed.error.issues),
      },
    )
  }

  const readClientTools = () =>
    (clientTools ??= createClientTools(clientToolsOf(agent.tools ?? {}), (question) =>
      ask({ ...question, kind: 'input', details: toDetails(question.name, question.details) }),
    ))

  return {
    // The context's type tells what is given and answered, by the agent's waits and whether there is a `timeoutMs`.
    wait: (async (name: string, ...rest: [Schema, WaitOptions?] | [WaitOptions?]) => {
      if (agent.waits !== undefined)
        return wait(name, declaredWait(agent.waits, name), rest[0] as WaitOptions)
      return wait(name, ...(rest as [Schema, WaitOptions?]))
    }) as AgentContext['wait'],

    get clientTools() {
      return readClientTools()
    },
    get tools() {
      return declaredTools(agent.tools ?? {}, readClientTools())
    },

    asker: {
      async find(name) {
        const known = (await readSettled()).get(keyOf({ name, occurrence: 1 }))
        return isSettled(known) ? toOutcome(known) : undefined
      },
      ask: (question) => ask(toQuestion(question), { name: question.name, occurrence: 1 }),
      askInOrder: (question) => ask(toQuestion(question)),
    },

    async approve(call, { timeoutMs = APPROVAL_MS, details } = {}) {
      const action = actionOf(call)
      const which = next(action.name)
      const question = approvalQuestion(call, action, { details, occurrence: which.occurrence })
      const { status, value, respondedBy } = await ask({ ...question, timeoutMs }, which)
      if (status === 'timed_out') return { approved: false, reason: 'timed_out', comment: null }
      const { approved, comment = null } = ApprovalAnswer.parse(value)
      return approved
        ? { approved, comment, respondedBy }
        : { approved, reason: 'denied', comment, respondedBy }
    },

    async sleep(ms) {
      await ask({ name: SLEEP, kind: 'sleep', details: null, schema: null, timeoutMs: ms })
    },
  }
}

type ApprovedCall = Parameters<AgentContext['approve']>[0]

/** What an approval is for, and the name of the wait for it. */
function actionOf({ name, arguments: args, toolCallId, interruptedIn }: ApprovedCall) {
  const named = { tool: name, arguments: toDetails(name, args) }
  // Another call is another question, even of the same tool: its name holds the hash of the arguments.
  const question = `${APPROVAL_PREFIX}${name.slice(0, 100).toWellFormed()}:${hashOf(named).slice(0, 16)}`
  // Which calls were interrupted differs by attempt, so that their order would not tell them apart.
  const suffix = interruptedIn === undefined ? '' : `:${toolCallId?.slice(0, 60) ?? ''}:${interruptedIn}`
  return { named, name: `${question}${suffix}` }
}

function approvalQuestion(
  { name, toolCallId, interruptedIn }: ApprovedCall,
  action: ReturnType<typeof actionOf>,
  { details, occurrence }: { details: unknown; occurrence: number },
): Omit<Question, 'timeoutMs'> {
  const { named } = action
  // The same call asked for again has another hash, so that the answer to the first, sent twice, does not allow it.
  const hash = hashOf(occurrence === 1 ? named : { ...named, occurrence })
  return {
    name: action.name,
    kind: 'approval',
    details: {
      ...named,
      hash,
      // Not part of the hash: an approval is for the action, not for the call that asks for it.
      ...(toolCallId === undefined ? {} : { toolCallId }),
      ...(interruptedIn === undefined ? {} : { interruptedIn }),
      ...(details === undefined ? {} : { details: toDetails(name, details) }),
    },
    schema: toJsonSchema(name, ApprovalAnswer.extend({ hash: z.literal(hash) })),
  }
}

const hashOf = (named: Json): string => createHash('sha256').update(canonicalJson(named)).digest('hex')

const isSettled = (wait: KnownWait | undefined): wait is KnownWait & SettledWait =>
  wait !== undefined && wait.status !== 'pending'

function toOutcome(settled: SettledWait): WaitOutcome<Json> {
  if (settled.status !== 'answered') return { status: 'timed_out' }
  const { status, value, respondedBy } = settled
  return { status, value, respondedBy }
}

function toQuestion({ name, schema, details = null, timeoutMs = APPROVAL_MS }: NamedQuestion): Question {
  const form = { details: toDetails(name, details), schema: toDetails(name, schema) }
  return { name, kind: 'input', timeoutMs, ...form }
}

function toDetails(name: string, value: unknown): Json {
  return storedForm(`What "${name.slice(0, 100)}" tells whoever answers`, value)
}

function toJsonSchema(name: string, schema: Schema): Json {
  try {
    return z.toJSONSchema(schema, { io: 'input' }) as Json
  } catch (cause) {
    throw new NonRetriableError(
      `The schema of "${name}" can't be written as JSON Schema, by which answers are checked: use one of plain data.`,
      { cause },
    )
  }
}
