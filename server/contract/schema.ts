import type { z } from 'zod'

/**
 * Any schema of zod 4, of `zod/mini` too. Only the core of zod is compared with it: the classes around that have so many methods that
 * comparing them took most of the time the compiler spent on an agent.
 */
export type Schema<TOutput = unknown, TInput = unknown> = z.core.$ZodType<TOutput, TInput>
