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
    details: FreeJson.describe('What the agent tells whoever answers.'),
    schema: FreeJson.describe('JSON Schema of the answer; null where nobody is asked.'),
    expires_at: Time.nullable(),
  }),
)

export const toRestWait = ({ expiresAt, ...wait }: PendingWait): RestWait => ({
  ...wait,
  expires_at: expiresAt,
})
