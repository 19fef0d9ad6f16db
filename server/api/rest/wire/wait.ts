import { z } from 'zod'
import { WaitKind } from '../../../contract/wait.ts'
import type { PendingWait } from '../../../contract/wait.ts'
import { answerSchema } from './named.ts'
import { FreeJson, Time } from './names.ts'

export type RestWait = z.infer<typeof RestWait>
export const RestWait = answerSchema(
  'Wait',
  z.object({
    name: z.string(),
    kind: WaitKind,
    details: FreeJson.describe('What the agent shows to the person who answers.'),
    schema: FreeJson.describe('JSON Schema of the answer; null if nobody is asked.'),
    expires_at: Time.nullable(),
    run_id: z.uuid().optional().describe('The run below that waits. Left out if it is this run itself.'),
    occurrence: z
      .int()
      .min(2)
      .optional()
      .describe("Tells it from the run's other waits of that name. Left out for the first one."),
  }),
)

export const toRestWait = ({ expiresAt, runId, ...wait }: PendingWait): RestWait => ({
  ...wait,
  expires_at: expiresAt,
  ...(runId === undefined ? {} : { run_id: runId }),
})
