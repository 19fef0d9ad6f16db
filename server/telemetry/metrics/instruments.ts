// What is measured: by the semantic conventions for generative AI where they have a name, else by one of ours.
import type { Gauge, Histogram, Instrument } from '../../ports/metrics.ts'
import { NAME } from '../names.ts'

const SHORT_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const LONG_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600]
/** As the conventions have them. */
const MODEL_SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
const MODEL_TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304]
const COUNTS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2000]

const MODEL_LABELS = [NAME.operation, NAME.provider, NAME.model] as const

export const COUNTERS = {
  runsCreated: {
    name: 'agent_runtime.runs.created',
    description: 'Runs that were created by this process.',
    unit: '{run}',
    labels: [NAME.agent],
  },
  runsEnded: {
    name: 'agent_runtime.runs.ended',
    description: 'Runs that came to their end in this process.',
    unit: '{run}',
    labels: [NAME.agent, NAME.runStatus],
  },
  runsRecovered: {
    name: 'agent_runtime.runs.recovered',
    description: 'Runs that this process took from lost workers.',
    unit: '{run}',
    labels: [],
  },
  leasesLost: {
    name: 'agent_runtime.leases.lost',
    description: 'Attempts of this worker that others had taken over when it wrote or renewed.',
    unit: '{lease}',
    labels: [],
  },
  modelCost: {
    name: 'agent_runtime.model.cost',
    description: 'What calls to models cost, by the price table.',
    unit: '{USD}',
    labels: MODEL_LABELS,
  },
  eventsWritten: {
    name: 'agent_runtime.events.written',
    description: 'Events that attempts of this worker wrote.',
    unit: '{event}',
    labels: [],
  },
} as const satisfies Record<string, Instrument>

export const HISTOGRAMS = {
  queueWait: {
    name: 'agent_runtime.queue.wait',
    description: 'From the time that a run could begin to the start of its first attempt.',
    unit: 's',
    labels: [NAME.agent],
    buckets: LONG_SECONDS,
  },
  firstEvent: {
    name: 'agent_runtime.first_event',
    description: 'From the start of an attempt to its first event in the database.',
    unit: 's',
    labels: [NAME.agent],
    buckets: SHORT_SECONDS,
  },
  attempt: {
    name: 'agent_runtime.attempt.duration',
    description: 'Of attempts, by what became of their runs; `lost` where another worker has them.',
    unit: 's',
    labels: [NAME.agent, NAME.runStatus],
    buckets: LONG_SECONDS,
  },
  flush: {
    name: 'agent_runtime.flush.duration',
    description: 'How long the statement took that writes events.',
    unit: 's',
    labels: [],
    buckets: SHORT_SECONDS,
  },
  flushSize: {
    name: 'agent_runtime.flush.size',
    description: 'Events that one statement wrote, of all runs of a worker.',
    unit: '{event}',
    labels: [],
    buckets: COUNTS,
  },
  notificationLag: {
    name: 'agent_runtime.notification.lag',
    description: 'From the time that an event was written to when those who follow its run here have it.',
    unit: 's',
    labels: [],
    buckets: SHORT_SECONDS,
  },
  model: {
    name: 'gen_ai.client.operation.duration',
    description: 'Of calls to models.',
    unit: 's',
    labels: [...MODEL_LABELS, NAME.errorType],
    buckets: MODEL_SECONDS,
  },
  firstChunk: {
    name: 'gen_ai.client.operation.time_to_first_chunk',
    description: 'From a call to the first that the model said.',
    unit: 's',
    labels: [...MODEL_LABELS],
    buckets: MODEL_SECONDS,
  },
  tokens: {
    name: 'gen_ai.client.token.usage',
    description: 'Tokens of one call to a model.',
    unit: '{token}',
    labels: [...MODEL_LABELS, NAME.tokenType],
    buckets: MODEL_TOKENS,
  },
  tool: {
    name: 'agent_runtime.tool.duration',
    description: 'Of calls to tools.',
    unit: 's',
    labels: [NAME.toolName, NAME.errorType],
    buckets: LONG_SECONDS,
  },
} as const satisfies Record<string, Histogram>

export const GAUGES = {
  openRuns: {
    name: 'agent_runtime.runs.open',
    description: 'Runs that are not over, in the database: each process tells the same.',
    unit: '{run}',
    labels: [NAME.agent, NAME.runStatus],
    across: 'max',
  },
  subscribers: {
    name: 'agent_runtime.subscribers',
    description:
      'Open streams, by whether a run is followed (also as part of a conversation) or a conversation.',
    unit: '{stream}',
    labels: ['kind'],
    across: 'sum',
  },
  activeAttempts: {
    name: 'agent_runtime.attempts.active',
    description: 'Attempts that are under way in this process.',
    unit: '{attempt}',
    labels: [],
    across: 'sum',
  },
  connections: {
    name: 'agent_runtime.database.connections',
    description: 'Connections of the pool.',
    unit: '{connection}',
    labels: ['state'],
    across: 'sum',
  },
  connectionWaits: {
    name: 'agent_runtime.database.waiting',
    description: 'Statements that wait for a connection.',
    unit: '{statement}',
    labels: [],
    across: 'sum',
  },
} as const satisfies Record<string, Gauge>
