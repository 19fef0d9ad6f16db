/**
 * PostgreSQL could not be started here. The message is one sentence for the person at the terminal
 * and says what to do.
 */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError'
}
