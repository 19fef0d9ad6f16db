import { readError } from '../ports/read-error.ts'
import { StartupError } from '../ports/startup-error.ts'

/** Something the person at the terminal can put right: one sentence, shown without a stack. */
export class CliError extends StartupError {
  override readonly name = 'CliError'
}

// By name, not by class: the entry may have loaded another copy of this package.
const EXPECTED = new Set(['StartupError', 'ConfigError', 'EmbeddedPostgresError', 'CliError'])

/** Writes an error to stderr: the message, with DEBUG set also where it came from. */
export function reportError(error: unknown): void {
  const { name, message } = readError(error)
  process.stderr.write(`agent-runtime: ${message}\n`)
  if (process.env['DEBUG']) console.error(error)
  else if (!EXPECTED.has(name))
    process.stderr.write('This was not expected. DEBUG=1 shows where it came from.\n')
}
