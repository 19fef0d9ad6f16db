// How a delta tells when it was emitted. Emitter and reader are processes of one machine, whose monotonic
// clock they share; the wall clock may be set back between the two.

/** Microseconds since some moment, the same one for all processes of the machine. */
export function nowMicros(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e6 + Math.floor(nanoseconds / 1000)
}

/** Content of a delta: however many of them are joined, each can be told from the next. */
export const stampContent = (): string => `${nowMicros()} `

const CONTENT = '"content":'
const SPACE = 32
const ZERO = 48

/** Calls `onStamp` for each delta an event holds. Looks no further than the first content in its JSON. */
export function readStamps(data: string, onStamp: (micros: number) => void): void {
  const start = data.indexOf(CONTENT)
  if (start === -1) return
  let value = 0
  // PostgreSQL writes a blank before a value, JSON.stringify does not.
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
