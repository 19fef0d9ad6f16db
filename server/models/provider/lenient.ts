import { z } from 'zod'

/** A field as a provider documents it. One that is left out, null or of another kind is as if it were not there. */
export function lenient<T extends z.ZodType>(schema: T) {
  return schema
    .nullish()
    .transform((value) => value ?? undefined)
    .catch(undefined)
}

export const LenientText = lenient(z.string())

/** A count of tokens. Some servers write it as text, or with a fraction. */
export const LenientCount = lenient(
  z
    .union([z.number(), z.string().regex(/^\d+$/).transform(Number)])
    .pipe(z.number().min(0).max(Number.MAX_SAFE_INTEGER))
    .transform(Math.round),
)

/** An amount of money. */
export const LenientAmount = lenient(z.number().min(0))
