import type { RunClient } from './run-client.ts'

/** In milliseconds since the create request was sent. */
export interface RunTimes {
  /** When its message was received, the first one its agent emits. */
  firstEventMs: number
  /** When its stream ended. This tells a reader that the run has ended. */
  completedMs: number
}

/**
 * Creates a no-op run and follows it to its end.
 *
 * @throws when its event did not come
 */
export async function timeNoopRun(client: RunClient): Promise<RunTimes> {
  const createdAt = performance.now()
  let firstEventMs: number | undefined
  const runId = await client.create()
  const stream = client.follow({
    runId,
    onEvent: ({ data }) => {
      // Every reader is told of its start and its end.
      if (data.includes('"type":"run.')) return
      firstEventMs ??= performance.now() - createdAt
    },
  })
  await stream.ended
  if (firstEventMs === undefined) throw new Error(`Run ${runId} ended without its event.`)
  return { firstEventMs, completedMs: performance.now() - createdAt }
}
