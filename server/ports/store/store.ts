import type { AttemptStore } from './attempt-store.ts'
import type { ConversationStore } from './conversation-store.ts'
import type { DeletionStore } from './deletion-store.ts'
import type { EventStore } from './event-store.ts'
import type { FamilyStore } from './family-store.ts'
import type { FileStore } from './file-store.ts'
import type { GateStore } from './gate-store.ts'
import type { KeyStore } from './key-store.ts'
import type { MemoryStore } from './memory-store.ts'
import type { RunStore } from './run-store.ts'
import type { ScheduleStore } from './schedule-store.ts'
import type { SentStore } from './sent-store.ts'
import type { SessionStore } from './session-store.ts'
import type { SweepStore } from './sweep-store.ts'
import type { WebhookStore } from './webhook-store.ts'
import type { WaitStore } from './wait-store.ts'

/** Everything durable. Each caller takes only the parts it needs. */
export interface Store
  extends
    RunStore,
    AttemptStore,
    EventStore,
    WaitStore,
    ConversationStore,
    DeletionStore,
    FamilyStore,
    FileStore,
    GateStore,
    ScheduleStore,
    SentStore,
    SessionStore,
    KeyStore,
    MemoryStore,
    SweepStore,
    WebhookStore {
  /** @throws when the database does not answer or its schema is missing. */
  check(): Promise<void>
  close(): Promise<void>
}
