import type { ReceivedEvent, RunClient, RunStream } from './run-client.ts'
import { within } from './within.ts'

/**
 * At most this many at once: fewer than the connections that may wait at a listening socket, by default 511.
 */
const AT_ONCE = 100
/** The time for one such group. */
const TIMEOUT_MS = 3_000
/** A saturated target may still have much to send. Waiting longer would tell nothing more. */
const DRAIN_TIMEOUT_MS = 10_000

/**
 * Follows each of the runs; `onEvent` gets the run's index. Resolves when each stream has brought an event,
 * or is late.
 */
export async function openStreams(
  client: RunClient,
  runIds: readonly string[],
  onEvent: (event: ReceivedEvent, index: number) => void,
): Promise<RunStream[]> {
  const streams: RunStream[] = []
  for (let start = 0; start < runIds.length; start += AT_ONCE) {
    const opening = runIds.slice(start, start + AT_ONCE).map((runId, offset) => {
      const first = Promise.withResolvers<void>()
      const stream = client.follow({
        runId,
        onEvent(event) {
          first.resolve()
          onEvent(event, start + offset)
        },
      })
      streams.push(stream)
      return Promise.race([first.promise, stream.ended])
    })
    await within(TIMEOUT_MS, Promise.all(opening))
  }
  return streams
}

/**
 * Waits for the streams of runs that are over, and closes streams that take too long.
 *
 * @returns the other streams
 */
export async function drainStreams(streams: readonly RunStream[]): Promise<Set<RunStream>> {
  const drained = new Set<RunStream>()
  const draining = streams.map(async (stream) => {
    await stream.ended
    drained.add(stream)
  })
  await within(DRAIN_TIMEOUT_MS, Promise.all(draining))
  const inTime = new Set(drained)
  for (const stream of streams) stream.close()
  return inTime
}
