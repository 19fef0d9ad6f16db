/** An id of our own for a tool's call, since providers repeat theirs. 37 characters: some take no more than 40. */
export function createToolCallId(): string {
  return `call_${crypto.randomUUID().replaceAll('-', '')}`
}
