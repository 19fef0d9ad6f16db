import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Health } from '../../domain/health.ts'
import { systemClock } from '../../ports/system-clock.ts'
import { CliError } from '../cli-error.ts'
import { log } from '../log.ts'
import { untilBlocked } from '../until-blocked.ts'
import type {
  AskMessage,
  ChildMessage,
  ChildTask,
  FileVersions,
  MetricsText,
  Question,
  ReadyRuntime,
  StopMessage,
} from './messages.ts'

// TypeScript here, JavaScript in the built package.
const SCRIPT = fileURLToPath(new URL(`./main${extname(import.meta.filename)}`, import.meta.url))

/** No timeout of a run can end work that blocks the event loop, so the process is killed after this time. */
const BLOCKED_AFTER_MS = 30_000
/** The same for a process that was told to stop. */
const BLOCKED_AT_STOP_MS = 5_000
/** A process that is silent this long takes no runs, whatever it said before. */
const SILENT_AFTER_MS = 5_000

/** Time that a process has to answer a question. */
const ANSWER_WITHIN_MS = 2_000

/** A runtime in a process of its own, seen from the command that started it. */
export class RuntimeChild {
  /** Rejects with the reason when it can't start. */
  readonly ready: Promise<ReadyRuntime>
  /** Resolves when it takes no more runs. */
  readonly draining: Promise<void>
  /** Resolves with how it ended, for people. Never rejects. */
  readonly exited: Promise<string>
  readonly startedAt = performance.now()
  /** Resolves when it has taken its isolated run, or has ended without one; false when it could not start. */
  readonly begun: Promise<boolean>
  /** When its last message came, in milliseconds since the epoch. */
  heardAt: number = systemClock.now()
  /** How long it may be silent before it counts as blocked and is killed. */
  patienceMs: number = BLOCKED_AFTER_MS
  /** The metrics of its last answer. */
  measured: readonly unknown[] | undefined
  readonly #process: ChildProcess
  #isReady = false
  #isTaking = false
  #isMeasuring = false
  readonly #asked = new Map<number, (answer: unknown) => void>()
  #questions = 0

  constructor(task: ChildTask, onImported: (files: FileVersions) => void = () => {}) {
    const ready = Promise.withResolvers<ReadyRuntime>()
    const draining = Promise.withResolvers<void>()
    const exited = Promise.withResolvers<string>()
    const begun = Promise.withResolvers<boolean>()
    this.begun = begun.promise
    this.ready = ready.promise
    // Stopping a process that has not started yet does not wait for its start.
    this.ready.catch(() => {})
    this.draining = draining.promise
    this.exited = exited.promise

    this.#process = fork(SCRIPT, [JSON.stringify(task)])
    this.#process.on('message', (message: ChildMessage) => {
      this.heardAt = systemClock.now()
      switch (message.kind) {
        case 'imported':
          return onImported(message.files)
        case 'failed':
          return ready.reject(revived(message))
        case 'ready':
          this.#isReady = true
          this.#isMeasuring = message.ready.runtime.isMeasuring
          void this.#killWhenBlocked()
          return ready.resolve(message.ready)
        case 'begun':
          return begun.resolve(true)
        case 'answer':
          return this.#asked.get(message.id)?.(message.answer)
        case 'measured':
          this.measured = message.metrics as readonly unknown[]
          return
        case 'draining':
          this.#isTaking = false
          return draining.resolve()
        case 'alive':
          this.#isTaking = message.isTaking
          return
      }
    })
    const onEnd = (how: string): void => {
      this.#isTaking = false
      this.#isMeasuring = false
      for (const answer of this.#asked.values()) answer(undefined)
      ready.reject(new CliError(`The process of the runtime ended with ${how} before it was ready.`))
      draining.resolve()
      begun.resolve(this.#isReady)
      exited.resolve(how)
    }
    this.#process.once('error', (error) => onEnd(error.message))
    // Not `exit`, which may come before the last message.
    this.#process.once('close', (code, signal) => onEnd(signal ?? `exit code ${code}`))
  }

  /** Whether it would take a run now, by its last message. */
  get isTaking(): boolean {
    return this.#isTaking && !this.isSilent
  }

  /** Whether it was ready once and has been silent since, for so long that something must block it. */
  get isSilent(): boolean {
    return this.#isReady && systemClock.now() - this.heardAt >= SILENT_AFTER_MS
  }

  /** Whether it has metrics. */
  get isMeasuring(): boolean {
    return this.#isMeasuring
  }

  /** Its health. Undefined while it does not reach the database or does not answer. */
  async readHealth(): Promise<Health | undefined> {
    return (await this.#ask({ about: 'health' })) as Health | undefined
  }

  /** Its metrics as JSON. Undefined if it does not answer. */
  async readMetrics(withinMs = ANSWER_WITHIN_MS): Promise<readonly unknown[] | undefined> {
    const answer = (await this.#ask({ about: 'metrics' }, withinMs)) as readonly unknown[] | undefined
    if (answer !== undefined) this.measured = answer
    return answer
  }

  /** Its metrics and `others` as one text. Undefined if it does not answer. */
  async formatMetrics(others: readonly unknown[]): Promise<MetricsText | undefined> {
    return (await this.#ask({ about: 'metrics-text', others })) as MetricsText | undefined
  }

  #ask(question: Question, withinMs = ANSWER_WITHIN_MS): Promise<unknown> {
    const id = (this.#questions += 1)
    const message: AskMessage = { kind: 'ask', id, question }
    return new Promise((resolve) => {
      const settle = (answer?: unknown): void => {
        clearTimeout(late)
        this.#asked.delete(id)
        resolve(answer)
      }
      const late = setTimeout(settle, withinMs)
      this.#asked.set(id, settle)
      if (this.#process.connected) this.#process.send(message, undefined, undefined, () => {})
      else settle()
    })
  }

  /**
   * Lets it finish its runs within its drain timeout, or hand them back at once; resolves when it has ended.
   */
  async stop({ isHurried }: { isHurried: boolean }): Promise<void> {
    const message: StopMessage = { kind: 'stop', isHurried }
    // A process that is already ending is not told.
    if (this.#process.connected) this.#process.send(message, undefined, undefined, () => {})
    this.patienceMs = BLOCKED_AT_STOP_MS
    await this.exited
  }

  async #killWhenBlocked(): Promise<void> {
    const ended = new AbortController()
    void this.exited.then(() => ended.abort())
    if (!(await untilBlocked(this, { clock: systemClock, ended: ended.signal }))) return
    log(`A process has not answered for ${this.patienceMs / 1000} s: an agent blocks it. It is killed`)
    await this.kill()
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.exited
  }
}

function revived({ name, message, stack }: Extract<ChildMessage, { kind: 'failed' }>): Error {
  return Object.assign(new Error(message), { name, stack })
}
