import type pg from 'pg'
import type { Visibility } from '../../contract/event.ts'
import type { RunsAtOnce } from '../../ports/runs-at-once.ts'
import type { RetryPolicy } from '../../lifecycle/backoff.ts'
import type { Deliveries } from '../deliveries/deliveries.ts'
import type { PrismaClient } from '../prisma/generated/client.ts'
import type { Delivering } from './delivering.ts'

/** What the stores are made of. */
export interface StoreParts {
  pool: pg.Pool
  prisma: PrismaClient
  /** The visibility of events that statements write. */
  visibilityOf(type: string): Visibility
  /** When runs of lost workers are tried again. */
  retryPolicy: RetryPolicy
  runsAtOnce: RunsAtOnce
  deliveries: Deliveries
  delivering: Delivering
}
