import { execFile, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { fastFolder } from './fast-folder.ts'
import { descendantsOf, signalIfThere } from './processes.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MAIN = join(ROOT, 'server/cli/main.ts')

/** The entries among the fixtures, by file name. */
export const entry = (name: string): string => join(ROOT, 'test/fixtures/entries', `${name}.ts`)
export const webFixture = join(ROOT, 'test/fixtures/web')
export const chatPage = join(ROOT, 'examples/chat')
/** The imports for entries that tests write. */
export const serverModule = pathToFileURL(join(ROOT, 'server/index.ts')).href

export interface CliProcess extends AsyncDisposable {
  pid: number
  stdout(): string
  stderr(): string
  /** Resolves with the match once it is printed. Rejects if the process ends without it. */
  printed(pattern: RegExp): Promise<RegExpExecArray>
  kill(signal: NodeJS.Signals): void
  /** The same for the process and for its processes with runtimes. */
  killAll(signal: NodeJS.Signals): void
  exited: Promise<number | null>
}

export interface CliOptions {
  cwd: string
  env?: Record<string, string>
}

/** The command line, as typed into a shell. */
export const cliLine = (args: readonly string[]): string =>
  [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ')

/** Settings of the person who runs the tests must not reach the tested commands. */
export function cliEnvironment(env: Record<string, string> = {}): NodeJS.ProcessEnv {
  const {
    DATABASE_URL: _url,
    PORT: _port,
    HOST: _host,
    DEBUG: _debug,
    VITEST: _vitest,
    ...inherited
  } = process.env
  return { ...inherited, NO_COLOR: '1', MODEL_PROVIDER: 'demo', ...env }
}

/** Starts the real command line in a process of its own. */
export function runCli(args: readonly string[], { cwd, env }: CliOptions): CliProcess {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: cliEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  const watchers = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk
      for (const look of watchers) look()
    })
  }
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  const killAll = (signal: NodeJS.Signals): void => {
    const { pid, exitCode, signalCode } = child
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    const others = descendantsOf(pid, 'node')
    child.kill(signal)
    for (const other of others) signalIfThere(other, signal)
  }
  return {
    pid: child.pid ?? 0,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(output.stdout + output.stderr)
          if (match === null) return
          watchers.delete(look)
          resolve(match)
        }
        watchers.add(look)
        look()
        void exited.then((code) =>
          reject(
            new Error(`ended with ${code} before printing ${pattern}:\n${output.stdout}${output.stderr}`),
          ),
        )
      }),
    kill: (signal) => void child.kill(signal),
    killAll,
    exited,
    async [Symbol.asyncDispose]() {
      // Its other processes, such as PostgreSQL or a page, end with it.
      killAll('SIGKILL')
      await exited
    },
  }
}

/** Starts `dev` and resolves with its address once it is ready. */
export async function startDev(
  args: readonly string[],
  options: CliOptions,
): Promise<CliProcess & { url: string }> {
  const process = runCli(['dev', ...args], options)
  const [, url = ''] = await process.printed(/REST +(http\S+)\/api\/agents[^]*Ctrl-C stops everything/)
  return Object.assign(process, { url })
}

export interface Workspace extends AsyncDisposable {
  path: string
  /** Also creates missing folders. */
  write(name: string, content: string): Promise<void>
  /** The process id of the folder's PostgreSQL. */
  postgresPid(): Promise<number>
}

/** An empty folder for commands. */
export async function createWorkspace(): Promise<Workspace> {
  const path = await mkdtemp(join(await fastFolder(), 'agent-runtime-cli-'))
  // If the tests run as root, PostgreSQL has another user.
  await chmod(path, 0o755)
  return {
    path,
    async write(name, content) {
      const file = join(path, name)
      await mkdir(dirname(file), { recursive: true })
      // Writes like editors do, so that nobody reads half of it.
      await writeFile(`${file}.saving`, content)
      await rename(`${file}.saving`, file)
    },
    async postgresPid() {
      const file = join(path, '.agent-runtime/postgres/data/postmaster.pid')
      return Number.parseInt(await readFile(file, 'utf8'), 10)
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }),
  }
}

/** Whether the process runs. A process that ended does not, even before its parent has noticed. */
export async function isAlive(pid: number): Promise<boolean> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=', '-p', String(pid)]).catch(
    (error) => error,
  )
  return /^[^Z\s]/.test(stdout)
}
