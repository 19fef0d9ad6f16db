/**
 * Drops output that nobody takes: the terminal is closed, the reader of the pipe is gone, the disk is full. Without a
 * listener each such write is an uncaught error, and telling of that one is the next such write.
 */
export function outliveDeadOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
}
