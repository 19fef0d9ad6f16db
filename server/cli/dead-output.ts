/**
 * Drops output that nobody reads, because the terminal is closed, the reader of the pipe is gone, or the disk
 * is full. Without a listener each such write is an uncaught error, and reporting that error is another such
 * write.
 */
export function outliveDeadOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
}
