import type { ReceivedEvent, RunClient, RunStream } from './run-client.ts'

/** Fewer than what waits to be accepted at a listening socket by default, 511. */
const AT_ONCE = 100

/** Follows each of the runs and resolves when each of the streams has brought an event. */
export async function openStreams(
  client: RunClient,
  runIds: readonly string[],
  onEvent: (event: ReceivedEvent) => void,
): Promise<RunStream[]> {
  const streams: RunStream[] = []
  for (let start = 0; start < runIds.length; start += AT_ONCE) {
    const opening = runIds.slice(start, start + AT_ONCE).map(async (runId) => {
      const first = Promise.withResolvers<void>()
      const stream = client.follow({
        runId,
        onEvent(event) {
          first.resolve()
          onEvent(event)
        },
      })
      streams.push(stream)
      await Promise.race([first.promise, stream.ended])
    })
    await Promise.all(opening)
  }
  return streams
}
