import type { z } from 'zod'

/**
 * Any schema of zod 4, also of `zod/mini`. The type uses only the core of zod. Its outer classes have so many
 * methods that comparing them took most of the compiler's time for an agent.
 */
export type Schema<TOutput = unknown, TInput = unknown> = z.core.$ZodType<TOutput, TInput>
