import { z } from 'zod'

/** Bounds of the days for which something is kept, for settings, agents and rules alike. */
export const RETENTION_DAYS = { min: 1, max: 36_500 } as const

/** Days for which something is kept. */
export const RetentionDays = z.number().min(RETENTION_DAYS.min).max(RETENTION_DAYS.max)
