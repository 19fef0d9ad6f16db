// Runs as tasks, the extension of MCP for calls that take long: a call answers with the run's id, and whoever has it polls the run, answers what it
// waits for and cancels it, over any server of the deployment and after all of them were restarted. The run's row is all there is of a task.
import {
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
} from '@modelcontextprotocol/server'
import type { CallToolResult, InputRequests, McpServer, ServerContext } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Principal } from '../contract/principal.ts'
import type { Run, RunDetail } from '../contract/run.ts'
import { isTerminal } from '../contract/terminal.ts'
import type { Runs } from '../domain/runs.ts'
import { answerQuestions } from './answer-questions.ts'
import { canBeAsked, knowsTasks, TASKS } from './client-capabilities.ts'
import { askedOf, questionsOf } from './questions.ts'
import { toToolResult } from './tool-result.ts'

/** How often a caller should ask how a task is. */
const POLL_INTERVAL_MS = 1000

/** Of a run that did not come to what its agent would have answered: the agent's own errors are results. */
const NOT_EXECUTED = new Set([
  'invalid_output',
  'start_refused',
  'unknown_agent',
  'version_changed',
  'worker_lost',
])

interface Task {
  taskId: string
  status: 'working' | 'input_required' | 'completed' | 'cancelled' | 'failed'
  statusMessage?: string
  createdAt: string
  lastUpdatedAt: string
  /** From its creation. Null: it is kept. */
  ttlMs: number | null
  pollIntervalMs: number
}

type DetailedTask = Task & {
  inputRequests?: InputRequests
  result?: CallToolResult
  error?: { code: number; message: string }
}

export interface ServedTasks {
  runs: Runs
  principal: Principal
  agentKeys: ReadonlySet<string>
  keptMs: KeptMs
}

/** How long a run of an agent is kept after its end. Null: for good. */
export type KeptMs = (agentKey: string) => Promise<number | null>

/** What a call answers that is a task from now on. The SDK's types have no tasks, and it adds an empty `content`. */
export async function newTask(run: Run, keptMs: KeptMs): Promise<CallToolResult> {
  const base = await baseOf(run, keptMs)
  return { resultType: 'task', ...base, status: 'working' } as unknown as CallToolResult
}

const OfTask = z.object({ taskId: z.string() })

/** Answers what is asked about tasks of the caller. */
export function serveTasks({ server }: McpServer, served: ServedTasks): void {
  const { runs, principal } = served
  server.registerCapabilities({ extensions: { [TASKS]: {} } })

  server.setRequestHandler('tasks/get', { params: OfTask }, ({ taskId }, ctx) =>
    told(ctx, async () => ({
      ...(await taskOf(await read(taskId), served, canBeAsked(ctx))),
    })),
  )

  server.setRequestHandler('tasks/update', { params: OfTask }, ({ taskId }, ctx) =>
    told(ctx, async () => {
      const run = await read(taskId)
      await answerQuestions(runs, principal, { run, responses: ctx.mcpReq.inputResponses ?? {} })
      return {}
    }),
  )

  server.setRequestHandler('tasks/cancel', { params: OfTask }, ({ taskId }, ctx) =>
    told(ctx, async () => {
      const { id } = await read(taskId)
      await runs.cancel(principal, id).catch((error: unknown) => {
        // It is over: there is nothing to cancel.
        if (!(error instanceof AgentRuntimeError && error.code === 'conflict')) throw error
      })
      return {}
    }),
  )

  async function read(taskId: string): Promise<RunDetail> {
    const run = await runs.get(principal, taskId)
    if (served.agentKeys.has(run.agentKey)) return run
    throw new AgentRuntimeError('not_found', `There is no task "${taskId}".`)
  }
}

/** @throws ProtocolError of the code that the protocol has for it. */
async function told<TAnswer>(ctx: ServerContext, answer: () => Promise<TAnswer>): Promise<TAnswer> {
  if (!knowsTasks(ctx)) {
    throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { extensions: { [TASKS]: {} } } })
  }
  try {
    return await answer()
  } catch (error) {
    if (!(error instanceof AgentRuntimeError)) throw error
    const isInput = error.status < 500
    throw new ProtocolError(
      isInput ? ProtocolErrorCode.InvalidParams : ProtocolErrorCode.InternalError,
      error.message,
    )
  }
}

async function taskOf(run: RunDetail, { keptMs }: ServedTasks, isAskable: boolean): Promise<DetailedTask> {
  const task = await baseOf(run, keptMs, run.updatedAt)
  const { status, error, cancelRequestedAt } = run
  if (status === 'cancelled') return { ...task, status: 'cancelled' }
  if (isTerminal(status) && error !== null && NOT_EXECUTED.has(error.code)) {
    const { message } = error
    return {
      ...task,
      status: 'failed',
      statusMessage: message,
      error: { code: ProtocolErrorCode.InternalError, message },
    }
  }
  if (isTerminal(status)) return { ...task, status: 'completed', result: toToolResult(run) }
  // A run that was resumed by the answer to one question still has the others.
  const asked = cancelRequestedAt === null ? askedOf(run.waits) : []
  if (asked.length === 0) return { ...task, status: 'working' }
  if (isAskable) return { ...task, status: 'input_required', inputRequests: questionsOf(asked) }
  const statusMessage = 'The run waits for an answer, for which this client did not say that it can be asked.'
  return { ...task, status: 'working', statusMessage }
}

async function baseOf(run: Run, keptMs: KeptMs, updatedAt = run.createdAt): Promise<Omit<Task, 'status'>> {
  const { id, createdAt, startedAt, cancelRequestedAt, finishedAt } = run
  const kept = finishedAt === null ? null : await keptMs(run.agentKey)
  const times = [createdAt, updatedAt, startedAt, cancelRequestedAt, finishedAt].flatMap((time) => time ?? [])
  return {
    taskId: id,
    createdAt,
    lastUpdatedAt: times.reduce((a, b) => (a < b ? b : a)),
    ttlMs:
      kept === null || finishedAt === null ? null : Date.parse(finishedAt) - Date.parse(createdAt) + kept,
    pollIntervalMs: POLL_INTERVAL_MS,
  }
}
