// Examples of the OpenAPI document. A test validates each of them against its schema.
export const RUN_ID = '01a208e9-7b1c-7d2e-9c4f-2f1a3b4c5d6e'
const AT = '2030-01-31T08:00:00.000Z'
const OWNER = { id: 'ada', tenant_id: 'acme', kind: 'user' }
const ANSWER = { role: 'assistant', content: '42' }
const QUESTION = { role: 'user', content: 'What is 6 * 7?' }

export const CREATE_RUN = {
  agent_key: 'assistant',
  messages: [QUESTION],
  params: {},
  metadata: { source: 'web' },
  idempotency_key: 'order-42',
}

export const RUN = {
  id: RUN_ID,
  conversation_id: null,
  agent_key: 'assistant',
  status: 'queued',
  input: { messages: [QUESTION], params: {} },
  output: {},
  error: {},
  attempt: 1,
  max_attempts: 3,
  idempotency_key: 'order-42',
  created_at: AT,
  started_at: null,
  finished_at: null,
  metadata: { source: 'web' },
  owner: OWNER,
  budget: null,
  priority: 0,
  run_at: null,
  expires_at: null,
  last_seq: 0,
  cancel_requested_at: null,
  parent_run_id: null,
  root_run_id: null,
  depth: 0,
}

export const INSPECTION = {
  run: { id: RUN_ID, owner: OWNER, agent_key: 'assistant', status: 'running', conversation_id: null },
  execution: {
    attempt: 2,
    max_attempts: 3,
    worker: 'web-1:4711',
    lease_expires_at: AT,
    attempt_started_at: AT,
    failures: 1,
    losses: 0,
    held_by: null,
    run_at: null,
    agent_version: null,
    traceparent: null,
  },
  steps: [
    {
      name: 'charge',
      occurrence: 1,
      attempt: 1,
      started_at: AT,
      completed_at: AT,
      bytes: 24,
      result: { receipt: '42' },
    },
  ],
  waits: [],
  checkpoint: null,
  children: [],
  has_more: false,
}

export const EVENT = {
  message_id: '01a208e9-7b1c-7d2e-9c4f-2f1a3b4c5d6e/1/1',
  content: '42',
  run_id: RUN_ID,
  seq: 7,
  type: 'assistant.message',
  ts: AT,
  attempt: 1,
  visibility_level: 'user',
  ui_visible: true,
  payload: { message_id: '01a208e9-7b1c-7d2e-9c4f-2f1a3b4c5d6e/1/1', content: '42' },
}

export const EVENT_FRAMES = `id: 7\nevent: assistant.message\ndata: ${JSON.stringify(EVENT)}\n\n`

export const RUN_DETAIL = {
  ...RUN,
  status: 'succeeded',
  output: {
    final_output: { response: '42' },
    final_messages: [ANSWER],
    usage: { input_tokens: 20, output_tokens: 3, total_tokens: 23 },
    artifacts: {},
  },
  started_at: AT,
  finished_at: AT,
  last_seq: 8,
  updated_at: AT,
  waits: [],
  events: [
    {
      id: '5f0c5c37-50f5-5a4c-8c4e-3a6a0f6d7b1e',
      run_id: RUN_ID,
      seq: 7,
      event_type: EVENT.type,
      payload: EVENT.payload,
      timestamp: AT,
    },
  ],
  has_more_events: false,
}

export const CANCELLED = {
  status: 'cancellation_requested',
  run: { ...RUN, status: 'cancelled', finished_at: AT },
}

export const SENT = {
  message_id: '01a208e2-1c2d-7e3f-8a4b-5c6d7e8f9a0c',
  run: { ...RUN, status: 'running', finished_at: null },
}

export const CONVERSATION = {
  id: '01a208e2-1c2d-7e3f-8a4b-5c6d7e8f9a0b',
  agent_key: 'assistant',
  external_id: null,
  title: 'My chat',
  metadata: { source: 'web' },
  created_at: AT,
  updated_at: AT,
  owner: OWNER,
  archived_at: null,
}

export const CONVERSATION_DETAIL = {
  ...CONVERSATION,
  messages: [
    { id: `${RUN_ID}:0`, ...QUESTION, run_id: RUN_ID, timestamp: AT, parent_id: null },
    { id: EVENT.message_id, ...ANSWER, run_id: RUN_ID, timestamp: AT, parent_id: `${RUN_ID}:0` },
  ],
  total_messages: 2,
  has_more: false,
  cursor: `${RUN_ID}.8`,
}

export const AGENT = {
  key: 'assistant',
  description: 'Answers questions.',
  params: { type: 'object', properties: { tone: { type: 'string' } } },
  id: 'assistant',
  slug: 'assistant',
  name: 'assistant',
}

export const MODEL = {
  id: 'openai/gpt-5.4',
  name: 'gpt-5.4',
  provider: 'openai',
  description: '',
  supports_thinking: false,
}

export const CREATE_SCHEDULE = {
  name: 'Morning news',
  agent_key: 'assistant',
  cron: '0 8 * * 1-5',
  time_zone: 'Europe/Lisbon',
  messages: [{ role: 'user', content: 'What is new?' }],
}

export const MEMORY = {
  id: '01a208f0-2b3c-7d4e-8f5a-6b7c8d9e0f1b',
  owner: OWNER,
  tenant_id: OWNER.tenant_id,
  namespace: 'notes',
  key: 'city',
  value: 'Lives in Lisbon.',
  created_at: AT,
  updated_at: AT,
}

export const SCHEDULE = {
  id: '01a208f0-2b3c-7d4e-8f5a-6b7c8d9e0f1a',
  owner: OWNER,
  ...CREATE_SCHEDULE,
  every_seconds: null,
  params: null,
  metadata: {},
  conversation_id: null,
  paused_at: null,
  next_at: AT,
  last_at: null,
  last_run_id: null,
  last_error: null,
  created_at: AT,
  updated_at: AT,
}
