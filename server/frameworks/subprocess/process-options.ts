import { z } from 'zod'
import type { AnyAgent } from '../../agent/agent.ts'
import { toProblems } from '../../contract/issues.ts'
import type { Model } from '../../ports/model.ts'

/** The program that executes an agent's runs, and how its processes are kept. */
export interface ProcessSettings {
  /** Is looked up in `PATH`, or is a path. */
  command: string
  args?: readonly string[]
  /** Default: the worker's. */
  cwd?: string
  /**
   * What the processes have in their environment beside `PATH`, `HOME`, the user's name, shell, language, time zone and folder for
   * temporary files, and `PYTHONPATH` with the module for Python. Nothing else of the worker's is handed on, its keys and passwords least of all.
   */
  env?: Readonly<Record<string, string>>
  /** The agent's name in the program, which may have several. Default: `key`. */
  program?: string
  /** The model that the program asks where it names none. Default: the runtime's. */
  model?: Model
  /** Agents that the program may run, by their keys. They are among those of the runtime, too. Default: none. */
  agents?: readonly AnyAgent[]
  /** Further files whose change makes a new version, beside those that `command` and `args` name. Default: none. */
  watch?: readonly string[]
  /**
   * Tells which version processes are to run: those of another take no more runs. It is asked before each run. Default: when the
   * files were changed last that `command`, `args` and `watch` name.
   */
  processVersion?: () => string | Promise<string>
  /** Processes that are started before a run needs them. Default: 1. */
  warm?: number
  /** Processes at once in a worker; further runs wait for one, and hold their place in the worker meanwhile. Default: 20. */
  maxProcesses?: number
  /** Runs after which a process is replaced. Default: 500. */
  maxRunsPerProcess?: number
  /** Seconds after which a process ends that no run needs, but for those that are kept warm. Default: 60. */
  idleSeconds?: number
  /** Milliseconds in which a process has to say hello. Default: 30,000. */
  helloTimeoutMs?: number
  /** Milliseconds in which a process has to let go of a run that is cancelled or waits, before it is sent SIGTERM. Default: 500. */
  cancelGraceMs?: number
  /** Milliseconds from SIGTERM to SIGKILL. Default: 2,000. */
  killGraceMs?: number
  /** Bytes of one message of a process. Default: 16 MiB. */
  maxMessageBytes?: number
}

const DAY_MS = 86_400_000
const ms = z.int().min(0).max(DAY_MS).optional()

const Settings = z.object({
  command: z.string().min(1),
  args: z.array(z.string()).optional(),
  cwd: z.string().min(1).optional(),
  env: z.record(z.string(), z.string()).optional(),
  program: z.string().min(1).optional(),
  model: z.custom<Model>((value) => typeof (value as Partial<Model>).stream === 'function').optional(),
  agents: z
    .array(z.custom<AnyAgent>((agent) => typeof (agent as Partial<AnyAgent>).run === 'function'))
    .optional(),
  watch: z.array(z.string()).optional(),
  processVersion: z.instanceof(Function).optional(),
  warm: z.int().min(0).max(1_000).optional(),
  maxProcesses: z.int().min(1).max(10_000).optional(),
  maxRunsPerProcess: z.int().min(1).optional(),
  idleSeconds: z
    .number()
    .min(0)
    .max(DAY_MS / 1_000)
    .optional(),
  helloTimeoutMs: ms,
  cancelGraceMs: ms,
  killGraceMs: ms,
  maxMessageBytes: z
    .int()
    .min(1_024)
    .max(256 * 1024 * 1024)
    .optional(),
} satisfies Record<keyof ProcessSettings, z.ZodType>)

export const PROCESS_OPTIONS: Readonly<Record<string, unknown>> = Settings.shape

/** @throws TypeError saying what is wrong. */
export function assertProcessOptions(options: ProcessSettings & { key: string }): void {
  const parsed = Settings.safeParse(options)
  if (parsed.success) return
  throw new TypeError(`Agent ${JSON.stringify(options.key)}: ${toProblems(parsed.error.issues).join('; ')}.`)
}
