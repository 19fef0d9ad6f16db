import { z } from 'zod'
import type { RunInspection } from '../../../contract/inspection.ts'
import { RunStatus } from '../../../contract/run.ts'
import { WaitKind } from '../../../contract/wait.ts'
import { answerSchema } from './named.ts'
import { FreeJson, RestOwner, Time, toRestOwner } from './names.ts'

const BYTES = 'The size of the stored result, which may be compressed.'

const RestExecution = z.object({
  attempt: z.int().describe('The current or last attempt; 0 before the first.'),
  max_attempts: z.int(),
  worker: z.string().nullable().describe('The worker that has its lease.'),
  lease_expires_at: Time.nullable(),
  attempt_started_at: Time.nullable(),
  failures: z
    .int()
    .describe(
      'Attempts that ended in an error or with their worker. At `max_attempts` of them the run fails.',
    ),
  losses: z.int().describe('Attempts that ended with a process that also executed other runs.'),
  held_by: z
    .enum(['turn', 'principal', 'tenant', 'time'])
    .nullable()
    .describe('Why no worker gets a queued run.'),
  run_at: Time.nullable().describe(
    'When it may begin or is tried again. While it waits: when the first of its waits ends by itself.',
  ),
  agent_version: z.string().nullable(),
  traceparent: z.string().nullable(),
})

const RestStep = z.object({
  name: z.string(),
  occurrence: z.int().describe('Its number among those of one name, from 1.'),
  attempt: z.int(),
  started_at: Time,
  completed_at: Time,
  bytes: z.int().describe(BYTES),
  result: FreeJson.describe('Also null if it is left out because it would make the answer larger than 1 MB.'),
})

const RestInspectedWait = z.object({
  name: z.string(),
  occurrence: z.int(),
  kind: WaitKind,
  status: z.enum(['pending', 'answered', 'timed_out', 'cancelled']),
  created_at: Time,
  expires_at: Time.nullable(),
  settled_at: Time.nullable(),
  used_at: Time.nullable().describe('When an attempt got the answer.'),
  responded_by: z.string().nullable(),
})

export type RestInspection = z.infer<typeof RestInspection>
export const RestInspection = answerSchema(
  'Inspection',
  z.object({
    run: z.object({
      id: z.uuid(),
      owner: RestOwner,
      agent_key: z.string(),
      status: RunStatus,
      conversation_id: z.uuid().nullable(),
    }),
    execution: RestExecution,
    steps: z.array(RestStep).describe('Ordered by completion.'),
    waits: z.array(RestInspectedWait),
    checkpoint: z
      .object({ attempt: z.int(), updated_at: Time, bytes: z.int().describe(BYTES), state: FreeJson })
      .nullable(),
    children: z.array(
      z.object({ id: z.uuid(), agent_key: z.string(), status: RunStatus, detached: z.boolean() }),
    ),
    has_more: z.boolean().describe('Whether there are more than 1,000 steps, waits or children.'),
  }),
)

export function toRestInspection({ run, execution, ...of }: RunInspection): RestInspection {
  return {
    run: {
      id: run.id,
      owner: toRestOwner(run.owner),
      agent_key: run.agentKey,
      status: run.status,
      conversation_id: run.conversationId,
    },
    execution: {
      attempt: execution.attempt,
      max_attempts: execution.maxAttempts,
      worker: execution.worker,
      lease_expires_at: execution.leaseExpiresAt,
      attempt_started_at: execution.attemptStartedAt,
      failures: execution.failures,
      losses: execution.losses,
      held_by: execution.heldBy,
      run_at: execution.runAt,
      agent_version: execution.agentVersion,
      traceparent: execution.traceparent,
    },
    steps: of.steps.map(({ startedAt, completedAt, ...step }) => ({
      ...step,
      started_at: startedAt,
      completed_at: completedAt,
    })),
    waits: of.waits.map(({ createdAt, expiresAt, settledAt, usedAt, respondedBy, ...wait }) => ({
      ...wait,
      created_at: createdAt,
      expires_at: expiresAt,
      settled_at: settledAt,
      used_at: usedAt,
      responded_by: respondedBy,
    })),
    checkpoint: of.checkpoint && {
      attempt: of.checkpoint.attempt,
      updated_at: of.checkpoint.updatedAt,
      bytes: of.checkpoint.bytes,
      state: of.checkpoint.state,
    },
    children: of.children.map(({ agentKey, ...child }) => ({ ...child, agent_key: agentKey })),
    has_more: of.hasMore,
  }
}
