import type pg from 'pg'
import type { Visibility } from '../../contract/visibility.ts'
import type { RunsAtOnce } from '../../ports/runs-at-once.ts'
import type { RetryPolicy } from '../../lifecycle/backoff.ts'
import type { Deliveries } from '../deliveries/deliveries.ts'
import type { PrismaClient } from '../prisma/generated/client.ts'
import type { Delivering } from './delivering.ts'

/** The parts that the stores share. */
export interface StoreParts {
  pool: pg.Pool
  prisma: PrismaClient
  /** The visibility of events that statements write. */
  visibilityOf(type: string): Visibility
  /** How long runs of lost workers wait before the next attempt. */
  retryPolicy: RetryPolicy
  runsAtOnce: RunsAtOnce
  deliveries: Deliveries
  delivering: Delivering
}
