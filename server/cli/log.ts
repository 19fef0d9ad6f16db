/** Messages to the person at the terminal. */
export function log(message: string): void {
  process.stdout.write(`· ${message}\n`)
}
