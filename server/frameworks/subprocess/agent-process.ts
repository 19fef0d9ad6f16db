// It is long, since all of it acts on the state of one child process.
import { AsyncLocalStorage } from 'node:async_hooks'
import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import type { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import { processFailure } from './process-failure.ts'
import {
  MAX_OPEN_REQUESTS,
  PROTOCOL_REVISION,
  PROTOCOL_VERSION,
  ProtocolError,
  readMessage,
} from './protocol.ts'
import type { RunMessage, RuntimeMessage, UnknownRequest } from './protocol.ts'
import { readLines } from './read-lines.ts'

export interface ProcessOptions {
  command: string
  args: readonly string[]
  cwd: string | undefined
  env: Record<string, string>
  /** Bytes of one line that the process writes. */
  maxMessageBytes: number
  /** Milliseconds in which it has to say hello. */
  helloTimeoutMs: number
  /** Milliseconds from the signal that asks it to end to the one that ends it. */
  killGraceMs: number
}

/** What is done with what a process says of its run. The next line is read when it is done. */
type Listener = (message: RunMessage | UnknownRequest) => Promise<void> | void

/** Lines of standard error that are kept for the log of a failure. */
const KEPT_LINES = 20
const MAX_STDERR_LINE = 8_192
/** In which a process ends by itself once its standard input has. */
const LEAVE_MS = 500

/** In which what it wrote is read once it has ended. What it started and let go may hold its output open. */
const READ_OUT_MS = 1_000

/** Processes are started outside of any run: what they say later is not that run's. */
const outsideOfRuns = AsyncLocalStorage.snapshot()

const running = new Set<AgentProcess>()
/** Should this process end without a word, so do its children. */
const killAll = () => {
  for (const process of running) process.kill('SIGKILL')
}

/** A program that executes an agent's runs, one at a time. */
export class AgentProcess {
  /** Resolves when it has said hello. Rejects when it does not. */
  readonly ready: Promise<void>
  /** Resolves when nothing of it is left. */
  readonly ended: Promise<void>
  /** The names of the agents that it has, where it told. */
  agents: readonly string[] | undefined
  /** How many runs it was given. */
  runs = 0
  readonly #options: ProcessOptions
  readonly #child: ChildProcessWithoutNullStreams
  readonly #onOver = new Set<(why: AgentRuntimeError) => void>()
  #why: AgentRuntimeError | undefined
  readonly #ready = Promise.withResolvers<void>()
  readonly #stderr: string[] = []
  #isUsable = true
  #isThere = true
  #stopping: Promise<void> | undefined
  #listener: Listener | undefined
  #onStderr: ((line: string) => void) | undefined

  constructor(options: ProcessOptions) {
    this.#options = options
    const { command, args, cwd, env } = options
    // A group of its own: what it starts ends with it, and a terminal's Ctrl-C does not end it in the middle of a run.
    this.#child = outsideOfRuns(() => spawn(command, args, { cwd, env, detached: true, stdio: 'pipe' }))
    this.ready = this.#ready.promise
    this.ready.catch(() => {})
    if (running.size === 0) process.once('exit', killAll)
    running.add(this)
    this.ended = outsideOfRuns(() => this.#live())
  }

  get isUsable(): boolean {
    return this.#isUsable
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** What listens from now on to what it says; undefined for nobody. */
  listen(listener: Listener | undefined): void {
    this.#listener = listener
  }

  /**
   * What is given the lines of its standard error from now on. It stays when the run is over: what a run has printed may be read
   * after its `end`, since these are two pipes.
   */
  logTo(onStderr: (line: string) => void): void {
    this.#onStderr = onStderr
  }

  /** Resolves when there is room for the next message: a process that does not read holds up what is sent to it. */
  async send(message: RuntimeMessage): Promise<void> {
    const { stdin } = this.#child
    if (!stdin.writable) return
    const written = Promise.withResolvers<void>()
    // Also called when the process ends without having read it.
    if (stdin.write(`${JSON.stringify(message)}\n`, () => written.resolve())) return
    await written.promise
  }

  /**
   * @param tell is told why, once it can take or go on with no run.
   * @returns what forgets it.
   */
  whenOver(tell: (why: AgentRuntimeError) => void): () => void {
    if (this.#why === undefined) this.#onOver.add(tell)
    else tell(this.#why)
    return () => void this.#onOver.delete(tell)
  }

  /** It said what it must not: it is ended, and its run fails with this. */
  break(what: string, cause?: unknown): void {
    this.#fail(`The agent's process broke off: it sent ${what}.`, cause)
    void this.stop({ isHurried: true })
  }

  /**
   * Ends it: by the end of its standard input, unless hurried, then by SIGTERM, at last by SIGKILL.
   *
   * @returns what resolves when it is gone.
   */
  stop({ isHurried = false } = {}): Promise<void> {
    this.#isUsable = false
    return (this.#stopping ??= outsideOfRuns(() => this.#stop(isHurried)))
  }

  /** Signals it and what it has started. */
  kill(signal: NodeJS.Signals): void {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      process.kill(-pid, signal)
    } catch {
      // Nothing of the group is left.
    }
  }

  async #stop(isHurried: boolean): Promise<void> {
    this.#child.stdin.end()
    if (!isHurried) await within(LEAVE_MS, this.ended)
    if (this.#isThere) this.kill('SIGTERM')
    await within(this.#options.killGraceMs, this.ended)
    if (this.#isThere) this.kill('SIGKILL')
    await this.ended
  }

  async #live(): Promise<void> {
    const child = this.#child
    const exit = Promise.withResolvers<string>()
    child.on('error', (error) => {
      // Only one that was never started has no number.
      if (child.pid !== undefined) return
      this.#fail("The agent's process could not be started.", error)
      exit.resolve('')
    })
    child.once('exit', (code, signal) => exit.resolve(signal === null ? `exit code ${code}` : signal))
    // Writing to one that has ended fails; that it has is told by its end.
    child.stdin.on('error', () => {})
    const timer = setTimeout(() => {
      this.#fail(`The agent's process did not say hello within ${this.#options.helloTimeoutMs} ms.`)
      void this.stop({ isHurried: true })
    }, this.#options.helloTimeoutMs)
    void this.ready.then(
      () => clearTimeout(timer),
      () => clearTimeout(timer),
    )
    const read = [this.#readStderr(), this.#readStdout()]
    void this.send({
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      revision: PROTOCOL_REVISION,
      limits: { message_bytes: this.#options.maxMessageBytes, open_requests: MAX_OPEN_REQUESTS },
    })
    const how = await exit.promise
    this.#isUsable = false
    // What it has started would hold its output open.
    this.kill('SIGKILL')
    await within(READ_OUT_MS, Promise.all(read))
    child.stdout.destroy()
    child.stderr.destroy()
    this.#fail(`The agent's process ended before its run did (${how}).`)
    this.#isThere = false
    running.delete(this)
    if (running.size === 0) process.off('exit', killAll)
  }

  async #readStdout(): Promise<void> {
    const { stdout } = this.#child
    try {
      for await (const line of readLines(stdout, {
        maxBytes: this.#options.maxMessageBytes,
        onLong: 'refuse',
      })) {
        if (line.trim() !== '') await this.#take(line)
      }
    } catch (error) {
      if (error instanceof ProtocolError) this.break(error.message, error.cause)
      else this.break('what could not be read', error)
      // It may go on writing until it is ended.
      stdout.resume()
    }
  }

  async #take(line: string): Promise<void> {
    const message = readMessage(line)
    if (message.type !== 'hello') {
      // Of one that is being ended nothing counts any more.
      if (this.#stopping === undefined) await this.#listener?.(message)
      return
    }
    const { protocol, agents } = message
    if (protocol !== PROTOCOL_VERSION) {
      throw new ProtocolError(
        `hello in version ${protocol} of the protocol, where this runtime speaks ${PROTOCOL_VERSION}`,
      )
    }
    this.agents = agents
    this.#ready.resolve()
  }

  async #readStderr(): Promise<void> {
    const { stderr } = this.#child
    try {
      for await (const line of readLines(stderr, { maxBytes: MAX_STDERR_LINE, onLong: 'cut' })) {
        this.#stderr.push(line)
        if (this.#stderr.length > KEPT_LINES) this.#stderr.shift()
        this.#onStderr?.(line)
      }
    } catch {
      // The pipe broke: its end is told by the process's.
    }
  }

  /** The first reason is the one. */
  #fail(message: string, cause?: unknown): void {
    this.#isUsable = false
    this.#why ??= processFailure(message, { stderr: this.#stderr, cause })
    this.#ready.reject(this.#why)
    for (const tell of this.#onOver) tell(this.#why)
    this.#onOver.clear()
  }
}

/** Resolves with the promise, or when the time is up. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const timeout = Promise.withResolvers<void>()
  const timer = setTimeout(timeout.resolve, ms)
  await Promise.race([promise, timeout.promise])
  clearTimeout(timer)
}
