import { z } from 'zod'

/** Validating and writing JSON take stack for each level: no caller is to choose how much. */
const MAX_DEPTH = 500

/** Any value that survives `JSON.parse(JSON.stringify(value))`. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
export const Json: z.ZodType<Json> = z
  .unknown()
  .refine((value) => isWithin(value, MAX_DEPTH), {
    abort: true,
    error: `JSON nested deeper than ${MAX_DEPTH} levels`,
  })
  .pipe(z.json())

/** A JSON object with free keys: metadata, details. */
export type JsonObject = { [key: string]: Json }
export const JsonObject: z.ZodType<JsonObject> = z.record(z.string(), Json)

function isWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every((inner) => isWithin(inner, levels - 1))
}
