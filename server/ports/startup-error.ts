/** The runtime can't start. The message is one sentence for whoever operates it; callers never see it. */
export class StartupError extends Error {
  override readonly name: string = 'StartupError'
}
