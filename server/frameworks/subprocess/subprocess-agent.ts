import type { z } from 'zod'
import type { AgentContext } from '../../agent/context.ts'
import type { AgentWaits } from '../../agent/wait.ts'
import { defineAgent } from '../../agent/define-agent.ts'
import type { Agent, AgentEvents, AgentResult } from '../../agent/agent.ts'
import type { ClientTools } from '../../agent/client-tools.ts'
import { closeWithWorkers, prepareWithWorkers } from '../../agent/worker-resources.ts'
import type { Json } from '../../contract/json.ts'
import { AgentProcess } from './agent-process.ts'
import { processEnvironment } from './process-environment.ts'
import { ProcessPool } from './process-pool.ts'
import { fileVersion } from './process-version.ts'
import { PROCESS_OPTIONS, assertProcessOptions } from './process-options.ts'
import type { ProcessSettings } from './process-options.ts'
import { runInProcess } from './run-in-process.ts'

/** An agent's declaration, with the program that executes its runs in place of `run`. */
export type SubprocessAgentOptions<
  TKey extends string,
  TParams extends z.ZodType | undefined,
  TOutput extends z.ZodType | undefined,
  TEvents extends AgentEvents,
  TWaits extends AgentWaits | undefined,
  TTools extends ClientTools,
> = Omit<Agent<TKey, TParams, TOutput, TEvents, TWaits, TTools>, 'run'> & ProcessSettings

/**
 * An agent in any language: a program that is spoken to over its standard input and output, a JSON object a line
 * (docs/subprocess-protocol.md). It has steps, waits, checkpoints and the runtime's models as any agent has. Its processes are kept
 * for further runs, a run at a time in each.
 *
 * @throws TypeError as `defineAgent` does, and when there is no such option, or one is out of its bounds.
 * @example
 * const research = subprocessAgent({
 *   key: 'research',
 *   command: 'python3',
 *   args: ['agents/research.py'],
 *   env: { SERPER_API_KEY: process.env['SERPER_API_KEY'] ?? '' },
 *   params: z.object({ topic: z.string() }),
 *   output: z.object({ report: z.string() }),
 * })
 */
export function subprocessAgent<
  const TKey extends string,
  TParams extends z.ZodType | undefined = undefined,
  TOutput extends z.ZodType | undefined = undefined,
  TEvents extends AgentEvents = Record<never, never>,
  TWaits extends AgentWaits | undefined = undefined,
  TTools extends ClientTools = Record<never, never>,
>(
  options: SubprocessAgentOptions<TKey, TParams, TOutput, TEvents, TWaits, TTools>,
): Agent<TKey, NoInfer<TParams>, NoInfer<TOutput>, TEvents, NoInfer<TWaits>, TTools> {
  assertProcessOptions(options)
  const pool = createPool(options)
  const { program = options.key, cancelGraceMs = 500, waits, model, agents = [] } = options
  const run = (ctx: AgentContext): Promise<AgentResult<Json>> =>
    pool.use(ctx.signal, (process) =>
      runInProcess(ctx, process, {
        agent: program,
        declaresWaits: waits !== undefined,
        model,
        agents,
        cancelGraceMs,
      }),
    )
  const declared = Object.fromEntries(Object.entries(options).filter(([name]) => !(name in PROCESS_OPTIONS)))
  // What the process answers is checked against the schemas, as what any agent answers is.
  const agent = defineAgent({ ...declared, run } as unknown as Agent<
    TKey,
    TParams,
    TOutput,
    TEvents,
    TWaits,
    TTools
  >)
  prepareWithWorkers(agent, () => void pool.warmUp())
  return agent
}

function createPool(options: ProcessSettings): ProcessPool {
  const { command, args = [], cwd, env = {}, watch = [], processVersion } = options
  const { maxMessageBytes = 16 * 1024 * 1024, helloTimeoutMs = 30_000, killGraceMs = 2_000 } = options
  const { maxProcesses = 20, warm = 1, maxRunsPerProcess = 500, idleSeconds = 60 } = options
  let forget: (() => void) | undefined
  const pool = new ProcessPool({
    start: () =>
      new AgentProcess({
        command,
        args,
        cwd,
        env: processEnvironment(env, process.env),
        maxMessageBytes,
        helloTimeoutMs,
        killGraceMs,
      }),
    version: async () =>
      processVersion === undefined ? fileVersion({ command, args, cwd }, watch) : processVersion(),
    maxProcesses,
    warm: Math.min(warm, maxProcesses),
    maxRuns: maxRunsPerProcess,
    idleMs: idleSeconds * 1_000,
    onUsed: () => void (forget ??= closeWithWorkers(() => pool.close())),
    onEmpty() {
      forget?.()
      forget = undefined
    },
  })
  return pool
}
