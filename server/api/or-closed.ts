/** What `make` answers. A stream that nobody comes to read, since it throws, is closed. */
export function orClosed<T>(stream: { close(): void }, make: () => T): T {
  try {
    return make()
  } catch (error) {
    stream.close()
    throw error
  }
}
