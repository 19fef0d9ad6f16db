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
  /** Visibility of the events the stores write by themselves. */
  visibilityOf(type: string): Visibility
  /** For attempts whose worker is lost. */
  retryPolicy: RetryPolicy
  runsAtOnce: RunsAtOnce
  deliveries: Deliveries
  delivering: Delivering
}
