export interface ReadError {
  name: string
  message: string
  stack: string | undefined
  code: unknown
  cause: unknown
}

/**
 * Reads the members of an error, or of any other thrown value. Never throws, even where a getter or `toString` of the
 * value does: reporting an error must not cause another.
 */
export function readError(error: unknown): ReadError {
  if (!attempt(() => error instanceof Error)) {
    const message = attempt(() => String(error)) ?? 'Something was thrown that has no text.'
    return { name: 'Error', message, stack: undefined, code: undefined, cause: undefined }
  }
  const read = (member: string): unknown => attempt(() => (error as Record<string, unknown>)[member])
  const readText = (member: string): string | undefined => {
    const value = read(member)
    return typeof value === 'string' ? value : undefined
  }
  return {
    name: readText('name') ?? 'Error',
    message: readText('message') ?? '',
    stack: readText('stack'),
    code: read('code'),
    cause: read('cause'),
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
