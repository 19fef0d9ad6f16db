/**
 * Thrown by a tool to tell the model what went wrong: the message reaches the model and whoever may see
 * the run's debug events. Of any other error a tool throws, only the fact reaches them; the rest is logged.
 *
 * @example
 * throw new ToolError(`There is no time zone "${timeZone}".`)
 */
export class ToolError extends Error {
  override readonly name = 'ToolError'
}
