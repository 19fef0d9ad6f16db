import { z } from 'zod'
import { RunId } from '../../contract/run.ts'

/** The data of a job. */
export const Payload = z.object({ runId: RunId })
export type Payload = z.infer<typeof Payload>
