import { z } from 'zod'
import { RunId } from '../../contract/run.ts'

/** What a job says. */
export const Payload = z.object({ runId: RunId })
export type Payload = z.infer<typeof Payload>
