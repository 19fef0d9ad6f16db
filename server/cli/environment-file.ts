import { existsSync } from 'node:fs'
import { readError } from '../ports/read-error.ts'
import { CliError } from './cli-error.ts'

const FILE = '.env'

/**
 * Reads the variables of `.env` in the working folder, if there is one. Variables that are already set keep
 * their values.
 */
export function loadEnvironmentFile(): void {
  if (!existsSync(FILE)) return
  try {
    process.loadEnvFile(FILE)
  } catch (cause) {
    throw new CliError(`${FILE} cannot be read: ${readError(cause).message}`, { cause })
  }
}
