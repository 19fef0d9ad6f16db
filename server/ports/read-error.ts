export interface ReadError {
  name: string
  message: string
  stack: string | undefined
  code: unknown
  cause: unknown
}

/**
 * What an error, or whatever else was thrown, says of itself. Never throws, as a getter or `toString` of somebody's
 * error may: reporting an error must not raise the next.
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
