/**
 * Thrown by an agent, fails the run at once: another attempt could not do better. The message goes to
 * the log; throw an `AgentRuntimeError` for one the run's owner should read.
 *
 * @example
 * if (document.pages === 0) throw new NonRetriableError('The document is empty.')
 */
export class NonRetriableError extends Error {
  override readonly name = 'NonRetriableError'
}
