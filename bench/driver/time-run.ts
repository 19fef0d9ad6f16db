import type { RunClient } from './run-client.ts'

/** Milliseconds since the create request was sent. */
export interface RunTimes {
  /** Its message was received, the first that its agent emitted. */
  firstEventMs: number
  /** Its stream ended, which is how a reader learns that the run did. */
  completedMs: number
}

/** Creates a no-op run and follows it to its end. @throws when its event did not come. */
export async function timeNoopRun(client: RunClient): Promise<RunTimes> {
  const createdAt = performance.now()
  let firstEventMs: number | undefined
  const runId = await client.create()
  const stream = client.follow({
    runId,
    onEvent: ({ data }) => {
      // Of its start and its end everybody is told.
      if (data.includes('"type":"run.')) return
      firstEventMs ??= performance.now() - createdAt
    },
  })
  await stream.ended
  if (firstEventMs === undefined) throw new Error(`Run ${runId} ended without its event.`)
  return { firstEventMs, completedMs: performance.now() - createdAt }
}
