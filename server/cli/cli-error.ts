import { readError } from '../ports/read-error.ts'
import { StartupError } from '../ports/startup-error.ts'

/** An error that the person at the terminal can correct: one sentence, shown without a stack. */
export class CliError extends StartupError {
  override readonly name = 'CliError'
}

// Compared by name, not by class, since the entry may have loaded another copy of this package.
const EXPECTED = new Set(['StartupError', 'ConfigError', 'EmbeddedPostgresError', 'CliError'])

/** Writes an error to stderr: the message, and with DEBUG set also its stack. */
export function reportError(error: unknown): void {
  const { name, message } = readError(error)
  process.stderr.write(`agent-runtime: ${message}\n`)
  if (process.env['DEBUG']) console.error(error)
  else if (!EXPECTED.has(name))
    process.stderr.write('This was not expected. DEBUG=1 shows where it came from.\n')
}
