import { StartupError } from '../ports/startup-error.ts'

/**
 * PostgreSQL could not be started here. The message is one sentence for the person at the terminal, and says
 * what to do.
 */
export class EmbeddedPostgresError extends StartupError {
  override readonly name = 'EmbeddedPostgresError'
}
