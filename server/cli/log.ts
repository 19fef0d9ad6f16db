/** Tells the person at the terminal how things go. */
export function log(message: string): void {
  process.stdout.write(`· ${message}\n`)
}
