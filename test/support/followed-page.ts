// Follows a page of the documentation word by word in a folder. It writes the files, types the commands, and
// compares their output with the page.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A block of a page: a file to write, a command to type, or the output of the command before it; also,
 * whether a section begins there.
 */
export type Step =
  | { kind: 'section' }
  | { kind: 'file'; name: string; text: string }
  | { kind: 'command'; text: string; stays: boolean }
  | { kind: 'output'; text: string }

// The paragraph before a file's block begins with its name.
const BLOCK =
  /^## |(?:^`(?<name>[\w./[\]-]+\.\w+)`[^`\n]*(?:\n[^`\n]+)*:\n\n)?^```(?<info>[^\n]*)\n(?<text>.*?)^```$/gms

/** Code blocks without a file name are only for reading. */
export function stepsOf(page: string): Step[] {
  return [...page.matchAll(BLOCK)].flatMap(({ groups = {} }): Step[] => {
    const { name, info, text } = groups
    if (text === undefined) return [{ kind: 'section' }]
    if (name !== undefined) return [{ kind: 'file', name, text }]
    if (info === 'sh' || info === 'sh stays') return [{ kind: 'command', text, stays: info !== 'sh' }]
    return info === 'text' ? [{ kind: 'output', text }] : []
  })
}

export interface FollowOptions {
  folder: string
  env: NodeJS.ProcessEnv
  /** Replacements for what the page says: the package is in no registry yet, and ports may be taken. */
  replacements: Readonly<Record<string, string>>
  /** For a command whose output is what the page says. */
  timeoutMs: number
}

/**
 * Follows the page. Running commands end with their section.
 *
 * @throws Error when a command fails, or its output differs from the page
 */
export async function followPage(page: string, options: FollowOptions): Promise<void> {
  const { folder, env, timeoutMs } = options
  const asTyped = (text: string) =>
    Object.entries(options.replacements).reduce((typed, [said, meant]) => typed.replaceAll(said, meant), text)
  const open = (text: string) => spawn('sh', ['-c', text], { cwd: folder, env, detached: true })
  // One shell for the whole page, so that its variables last.
  const shell = new Terminal(spawn('sh', ['-e'], { cwd: folder, env, detached: true }))
  let staying: Terminal[] = []
  let last = shell
  try {
    for (const step of stepsOf(page)) {
      if (step.kind === 'section') {
        await Promise.all(staying.map((terminal) => terminal.close()))
        staying = []
        continue
      }
      const text = asTyped(step.text)
      if (step.kind === 'file') {
        await mkdir(dirname(join(folder, step.name)), { recursive: true })
        await writeFile(join(folder, step.name), text)
      } else if (step.kind === 'output') {
        await last.prints(text, timeoutMs)
      } else if (step.stays) {
        staying.push((last = new Terminal(open(text))))
      } else {
        last = shell
        await shell.type(text, timeoutMs)
      }
    }
  } finally {
    await Promise.all([shell, ...staying].map((terminal) => terminal.close()))
  }
}

class Terminal {
  readonly #process: ChildProcess
  readonly #ended: Promise<void>
  #typed = 0
  #shown = ''

  constructor(process: ChildProcess) {
    this.#process = process
    this.#ended = new Promise((resolve) => void process.once('close', () => resolve()))
    for (const output of [process.stdout, process.stderr]) {
      output?.setEncoding('utf8').on('data', (text: string) => (this.#shown += text))
    }
  }

  /** Resolves when the commands have ended. */
  async type(commands: string, timeoutMs: number): Promise<void> {
    const mark = `:followed ${(this.#typed += 1)}:`
    this.#shown = ''
    // The shell ends at the first failure.
    this.#process.stdin?.write(`${commands}\necho; echo '${mark}'\n`)
    await this.prints(mark, timeoutMs)
    this.#shown = this.#shown.replace(mark, '')
  }

  /** Resolves when each line of `text` was printed. `…` stands for anything. */
  async prints(text: string, timeoutMs: number): Promise<void> {
    const missing = () => text.split('\n').filter((line) => line !== '' && !toPattern(line).test(this.#shown))
    for (const until = Date.now() + timeoutMs; missing().length > 0; await sleep(50)) {
      const isOver = this.#process.exitCode !== null || Date.now() > until
      if (isOver) throw new Error(`It should have printed\n${missing().join('\n')}\nbut did\n${this.#shown}`)
    }
  }

  async close(): Promise<void> {
    const { pid, exitCode } = this.#process
    if (pid !== undefined && exitCode === null) process.kill(-pid, 'SIGTERM')
    await this.#ended
  }
}

function toPattern(line: string): RegExp {
  return new RegExp(line.replace(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`).replaceAll('…', '.*'))
}
