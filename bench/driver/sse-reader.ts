import type { ReceivedEvent } from './run-client.ts'

/**
 * Reads `text/event-stream` as both sides write it: `\n` line ends, at most one line of each field. Far
 * from the whole format, but it costs next to nothing of a machine shared with what is measured.
 */
export function createSseReader(onEvent: (event: ReceivedEvent) => void): (chunk: string) => void {
  let rest = ''
  return (chunk) => {
    const text = rest === '' ? chunk : rest + chunk
    let start = 0
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n', start)) {
      const event = readFrame(text.slice(start, end))
      if (event !== undefined) onEvent(event)
      start = end + 2
    }
    rest = text.slice(start)
  }
}

/** @returns undefined for a comment, which is how a stream is kept alive. */
function readFrame(frame: string): ReceivedEvent | undefined {
  const event: ReceivedEvent = { seq: 0, type: '', data: '' }
  for (const line of frame.split('\n')) {
    if (line.startsWith('id: ')) event.seq = Number(line.slice(4))
    else if (line.startsWith('event: ')) event.type = line.slice(7)
    else if (line.startsWith('data: ')) event.data = line.slice(6)
  }
  return event.type === '' ? undefined : event
}
