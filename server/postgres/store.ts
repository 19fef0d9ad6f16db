import { PrismaPg } from '@prisma/adapter-pg'
import type { Store } from '../ports/store/store.ts'
import { assertUtf8 } from './connections/encoding.ts'
import { PrismaClient } from './prisma/generated/client.ts'
import { createAttemptStore } from './stores/attempt-store.ts'
import { createConversationStore } from './stores/conversation-store.ts'
import { createDelivering } from './stores/delivering.ts'
import { createDeletionStore } from './stores/deletion-store.ts'
import { createEventStore } from './stores/event-store.ts'
import { createFamilyStore } from './stores/family-store.ts'
import { createSentStore } from './stores/sent-store.ts'
import { createFileStore } from './stores/file-store.ts'
import { createGateStore } from './stores/gate-store.ts'
import { createKeyStore } from './stores/key-store.ts'
import { createMemoryStore } from './stores/memory-store.ts'
import { createRunStore } from './stores/run-store.ts'
import { createScheduleStore } from './stores/schedule-store.ts'
import { createSessionStore } from './stores/session-store.ts'
import type { StoreParts } from './stores/store-parts.ts'
import { createSweepStore } from './stores/sweep-store.ts'
import { createWebhookStore } from './stores/webhook-store.ts'
import { createWaitStore } from './stores/wait-store.ts'

/** The stores on PostgreSQL: prepared SQL for most statements, Prisma for a few simple reads. */
export function createPostgresStore(options: Omit<StoreParts, 'prisma' | 'delivering'>): Store {
  const { pool, deliveries } = options
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) })
  const parts = { ...options, prisma, delivering: createDelivering(deliveries) }
  return {
    ...createRunStore(parts),
    ...createAttemptStore(parts),
    ...createEventStore(parts),
    ...createWaitStore(parts),
    ...createConversationStore(parts),
    ...createDeletionStore(parts),
    ...createFamilyStore(parts),
    ...createSentStore(parts),
    ...createFileStore(parts),
    ...createGateStore(parts),
    ...createScheduleStore(parts),
    ...createSessionStore(parts),
    ...createKeyStore(parts),
    ...createMemoryStore(parts),
    ...createSweepStore(parts),
    ...createWebhookStore(parts),

    async check() {
      await assertUtf8(pool)
      await pool.query('SELECT 1 FROM agent_runtime.run LIMIT 0')
    },
    async close() {
      await prisma.$disconnect()
    },
  }
}
