/** The runtime can't start. The message is one sentence for its operator. Callers never see it. */
export class StartupError extends Error {
  override readonly name: string = 'StartupError'
}
