import { z } from 'zod'
import { ERROR_STATUS } from './agent-runtime-error.ts'
import { Json } from './json.ts'

export type ErrorCode = keyof typeof ERROR_STATUS
export const ErrorCode: z.ZodEnum<{ [K in ErrorCode]: K }> = z.enum(
  Object.keys(ERROR_STATUS) as [ErrorCode, ...ErrorCode[]],
) as z.ZodEnum<{ [K in ErrorCode]: K }>

/** The body of every error answer, in REST and (as `data.error`) in tRPC. */
export type ErrorBody = z.infer<typeof ErrorBody>
export const ErrorBody = z.object({
  /** One sentence for a person: what is wrong and, where possible, what to do. */
  error: z.string(),
  code: ErrorCode,
  /** Machine-readable particulars, e.g. the fields that failed validation. */
  details: Json.optional(),
})
