// A delta tells when it was emitted. Emitter and reader run on one machine and share its monotonic clock. The
// wall clock may be set back in between.

/** Microseconds since a moment that is the same for all processes of the machine. */
export function nowMicros(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e6 + Math.floor(nanoseconds / 1000)
}

/** The content of a delta. When several are joined, each can still be told from the next. */
export const stampContent = (): string => `${nowMicros()} `

const CONTENT = '"content":'
const SPACE = 32
const ZERO = 48

/** Calls `onStamp` for each delta in an event. It reads only the first content in the event's JSON. */
export function readStamps(data: string, onStamp: (micros: number) => void): void {
  const start = data.indexOf(CONTENT)
  if (start === -1) return
  let value = 0
  // PostgreSQL writes a blank before a value; JSON.stringify does not.
  const from = data.indexOf('"', start + CONTENT.length) + 1
  for (let at = from; at < data.length; at++) {
    const code = data.charCodeAt(at)
    if (code === SPACE) {
      onStamp(value)
      value = 0
    } else if (code >= ZERO && code < ZERO + 10) {
      value = value * 10 + code - ZERO
    } else {
      return
    }
  }
}
