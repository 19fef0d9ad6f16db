// It is long, since every setting and its variable stand here, once.
import { z } from 'zod'
import { Visibility } from '../contract/event.ts'
import { MessageRole } from '../contract/message.ts'
import { MAX_TIMEOUT_MS } from '../contract/create-run.ts'
import { StartupError } from '../ports/startup-error.ts'
import { MODEL_PROVIDERS, either } from './providers.ts'
import { RETENTION_DAYS } from './retention-days.ts'
import {
  HeaderName,
  LangfuseKey,
  Network,
  Origin,
  WebhookHost,
  flag,
  fromJson,
  isRedisUrl,
  listOf,
  orOff,
} from './values.ts'

/** What is measured in seconds has an end: a timer for more than 24 days fires at once. */
const DAY_SECONDS = 86_400

/**
 * Every setting, once: what it means, its default, and (in {@link ENVIRONMENT}) the variable it is
 * read from when it is not passed to `createAgentRuntime`.
 */
export const Config = z.object({
  /** PostgreSQL connection URL. Required to start, not to create a runtime: builds import it without one. */
  databaseUrl: z.string().min(1).optional(),
  /** Connections of this process for statements; the LISTEN connection comes on top. */
  databasePoolSize: z.coerce.number().int().min(2).max(500).default(10),
  /** Seconds to wait for a database connection before a request is answered with 503. */
  databaseConnectTimeoutSeconds: z.coerce.number().min(0.05).max(600).default(10),
  /** PostgreSQL itself, where `databaseUrl` leads to a pooler: for what needs a session of its own. */
  directUrl: z.string().min(1).optional(),
  /** Whether statements are prepared by name. Poolers that can't follow them need `false`. */
  preparedStatements: flag.default(true),
  /** What the queue is kept in. `redis_streams` is taken for `redis`. */
  queueBackend: z
    .unknown()
    .transform((value) => (value === 'redis_streams' ? 'redis' : value))
    .pipe(z.enum(['postgres', 'redis']))
    .default('postgres'),
  /** Functions that register agents, as `./agents.ts#registerAgents`: files from the working folder on, and their exports. */
  registry: z
    .union([z.string().transform((list) => list.split(',').map((one) => one.trim())), z.array(z.string())])
    .pipe(
      z.array(
        z
          .string()
          .regex(
            /^[^#]+#[^#]+$/,
            'expected a file and its export, such as ./agents.ts#registerAgents, in .env in quotes: # begins a comment there',
          ),
      ),
    )
    .default([]),
  /** What carries hints between processes. `none`: every process looks by itself, at its poll intervals. */
  eventBusBackend: z
    .unknown()
    .transform((value) => (value === 'db' ? 'postgres' : value))
    .pipe(z.enum(['postgres', 'redis', 'none']))
    .default('postgres'),
  /** Redis connection URL, for `queueBackend` and `eventBusBackend` `'redis'`. */
  redisUrl: z
    .string()
    .refine(isRedisUrl, 'must be a URL like redis://user:password@host:6379/0, or rediss:// for TLS')
    .optional(),
  /** Whether `redisUrl` is that of a node of a Redis Cluster. */
  redisCluster: flag.default(false),
  /** Which model client `ctx.llm` is. Default: by the API key that is set, else the built-in demo model. */
  modelProvider: z
    .enum(MODEL_PROVIDERS, {
      error: () => `expected ${either(MODEL_PROVIDERS.map((name) => `"${name}"`))}`,
    })
    .optional(),
  /** Name of the model, as its provider spells it. Default: the provider client's own default. */
  defaultModel: z.string().min(1).optional(),
  /**
   * Seconds a model's stream may be silent before its request is given up and the attempt fails, to be tried again; five
   * times as long before the answer begins. `false` or `off`: for as long as the run may take.
   */
  modelIdleTimeoutSeconds: orOff(0.05, DAY_SECONDS).default(60),
  /**
   * Seconds a run waits, in its last attempt, for a model that is overloaded or at its rate limit; `false` or `off`: it fails at
   * once. Attempts before that are followed by the next.
   */
  modelPatienceSeconds: orOff(1, DAY_SECONDS).default(300),
  /** Seconds a run may execute before it times out. */
  runTimeoutSeconds: z.coerce
    .number()
    .min(1)
    .max(Math.floor(MAX_TIMEOUT_MS / 1000))
    .default(900),
  /** Seconds an agent has to heed `ctx.signal` before it is abandoned. */
  cancelGraceSeconds: z.coerce.number().min(0).max(DAY_SECONDS).default(5),
  /** Seconds a worker that fell silent keeps its runs. It renews the lease at a third of that. */
  leaseTtlSeconds: z.coerce.number().min(10).max(DAY_SECONDS).default(30),
  /** How many runs may be above one that an agent starts: its parent, the parent of that, and so on. */
  maxRunDepth: z.coerce.number().int().min(0).max(100).default(8),
  /** Runs that one run may start, over all its attempts. */
  maxChildRuns: z.coerce.number().int().min(0).max(10_000).default(100),
  /** Runs that there may ever be below one that no agent started, at whatever depth. */
  maxRunsBelow: z.coerce.number().int().min(0).max(1_000_000).default(1_000),
  /** Seconds before a failed attempt is followed by the next, doubled each time up to a minute. */
  retryDelaySeconds: z.coerce.number().min(0).max(DAY_SECONDS).default(1),
  /** Attempts before a run fails for good. */
  maxAttempts: z.coerce.number().int().min(1).max(100).default(3),
  /**
   * Which runs that name no conversation get a new one: those that ask for it (`asked`), or each (`always`) but those that are
   * `ephemeral`. Runs of schedules never do.
   */
  newConversations: z.enum(['asked', 'always']).default('asked'),
  /** Runs that may wait for their turn in one conversation. Those beyond are refused with 429. */
  maxWaitingRuns: z.coerce.number().int().min(1).max(100_000).default(1_000),
  /**
   * Runs of a principal that are in the queue or under way at once; others wait until some of these are over. `false` or
   * `off`: no limit. Callers of kind `public`, who are all the same one, have none.
   */
  principalRunsAtOnce: orOff(1, 100_000, { isWhole: true }).default(false),
  /** The same of all principals of a tenant together; where `tenantId` is `''` there is none. */
  tenantRunsAtOnce: orOff(1, 100_000, { isWhole: true }).default(false),
  /** Runs a worker process executes at once. */
  concurrency: z.coerce.number().int().min(1).max(10_000).default(20),
  /** Processes a worker has at once for runs that are executed in one of their own; silent ones, up to twice as many, come on top. */
  maxIsolatedProcesses: z.coerce.number().int().min(1).max(1_000).default(4),
  /** Seconds between looks at the queue when no notification comes. */
  queuePollIntervalSeconds: z.coerce.number().min(0.05).max(DAY_SECONDS).default(1),
  /** Seconds between looks at a followed run when no notification comes. */
  streamPollIntervalSeconds: z.coerce.number().min(0.05).max(DAY_SECONDS).default(2),
  /**
   * Seconds between keep-alives on an idle stream: comments of SSE, pings of tRPC and WebSockets. A tRPC client that hears
   * nothing for three times as long connects again.
   */
  streamKeepAliveSeconds: z.coerce.number().min(0.05).max(DAY_SECONDS).default(15),
  /** Seconds after which `authenticate` is asked again about the reader of an open stream. */
  streamReauthenticateSeconds: z.coerce.number().min(0.05).max(DAY_SECONDS).default(60),
  /** Seconds after which a stream is ended, for its reader to open it anew where it was. */
  streamMaxAgeSeconds: z.coerce.number().min(0.05).max(1_000_000).default(3600),
  /**
   * Seconds after its end a run is compacted: its deltas are folded into its messages; `false` or `off`: never.
   * A minute at least, so that everything that ended before has been committed.
   */
  compactAfterSeconds: orOff(60, 10 * 365 * DAY_SECONDS).default(3600),
  /**
   * Days after its end a run is deleted, with everything that belongs to it; `false` or `off`: never. Agents' `retentionDays` and the
   * runtime's `retention` say otherwise.
   */
  retentionDays: orOff(RETENTION_DAYS.min, RETENTION_DAYS.max).default(false),
  /** Seconds `authenticate` may take before a request is answered with 503. */
  authenticateTimeoutSeconds: z.coerce.number().min(0.05).max(600).default(10),
  /** Seconds `authorize` may take before a request is refused with 503. */
  authorizeTimeoutSeconds: z.coerce.number().min(0.05).max(600).default(10),
  /** Seconds `quota` may take, and `limits`, before a run is refused with 503. */
  quotaTimeoutSeconds: z.coerce.number().min(0.05).max(600).default(10),
  /** Seconds `retention` may take. Later, all is kept until it answers. */
  retentionTimeoutSeconds: z.coerce.number().min(0.05).max(600).default(10),
  /** Seconds `serve` keeps a connection open that nobody uses: longer than the proxy in front of it does. */
  keepAliveTimeoutSeconds: z.coerce.number().min(1).max(DAY_SECONDS).default(65),
  /** Roles of the messages that users may send, besides `user`. `limits` decides otherwise. */
  messageRoles: listOf(z.string().pipe(MessageRole)).default(['system', 'user', 'assistant', 'tool']),
  /** The same for anonymous visitors. */
  visitorMessageRoles: listOf(z.string().pipe(MessageRole)).default(['user']),
  /** Refusals of one caller a second that are answered at once, the others later; `false` or `off`: all. */
  refusalsPerSecond: orOff(1, 1_000_000).default(250),
  /** Largest request body, in bytes. */
  maxBodyBytes: z.coerce.number().int().min(1).default(1_048_576),
  /** Largest file that can be uploaded, in bytes. */
  maxFileBytes: z.coerce.number().int().min(1).max(2_000_000_000).default(20_971_520),
  /** Files in one request. */
  maxFilesPerRequest: z.coerce.number().int().min(1).max(1_000).default(10),
  /** Seconds for which nothing may come of a request with files, or be taken of a download, before it is given up. */
  uploadIdleSeconds: z.coerce.number().min(0.05).max(300).default(30),
  /** Bytes of all files of a principal together; `false` or `off`: no limit. Callers of kind `public` have none. */
  principalFileBytes: orOff(1, Number.MAX_SAFE_INTEGER, { isWhole: true }).default(1_073_741_824),
  /** Uploads and downloads under way at once in a process; of one caller a fifth. The others wait. */
  filesAtOnce: z.coerce.number().int().min(1).max(10_000).default(50),
  /** Bytes a second of all uploads and downloads in a process together; `false` or `off`: no limit. */
  fileBytesPerSecond: orOff(1_024, Number.MAX_SAFE_INTEGER, { isWhole: true }).default(16_777_216),
  /** Schedules that a principal may have. Those in agents' code don't count. */
  schedulesPerPrincipal: z.coerce.number().int().min(0).max(100_000).default(100),
  /** The shortest time between two occurrences of a caller's schedule, in seconds. */
  minScheduleSeconds: z.coerce.number().int().min(1).max(DAY_SECONDS).default(60),
  /**
   * Hosts that callers may have told of their runs and conversations: names such as `hooks.example.com`, `*.example.com` for all below
   * one, `*` for any that is public. Where it is empty, callers give no webhooks.
   */
  webhookHosts: listOf(WebhookHost).default([]),
  /** Whether these hosts may be at addresses that are not public, and be asked by `http:`. Not with the host `*`. */
  webhookAllowPrivate: flag.default(false),
  /** Memories that agents may keep of a principal (`ctx.memory`), and of a tenant. */
  memoriesPerPrincipal: z.coerce.number().int().min(0).max(1_000_000).default(1_000),
  memoriesPerTenant: z.coerce.number().int().min(0).max(1_000_000).default(1_000),
  /** Bytes that the value of a memory may have, as JSON. */
  maxMemoryBytes: z.coerce.number().int().min(1).max(1_000_000).default(65_536),
  /** Hours after which a file is deleted that no message names. */
  unusedFileHours: z.coerce
    .number()
    .min(0.01)
    .max(24 * 3_650)
    .default(24),
  /** The folder that files are kept in, which all API servers and workers share. Default: the database. */
  filesFolder: z.string().min(1).optional(),
  /** Visibility of event types where it differs from the default. */
  eventVisibility: z
    .unknown()
    .transform(fromJson)
    .pipe(z.record(z.string(), Visibility, 'expected an object, such as {"tool.call":"user"}'))
    .default({}),
  /** Shows `debug` events to everybody who may see the run. */
  debugMode: flag.default(false),
  /** Traces runs to Langfuse. */
  langfuseEnabled: flag.default(false),
  langfusePublicKey: LangfuseKey.optional(),
  langfuseSecretKey: LangfuseKey.optional(),
  langfuseHost: z.url().optional(),
  /** Days an anonymous session lasts. */
  anonymousSessionDays: z.coerce.number().min(0.001).max(3_650).default(30),
  /** Whether an anonymous session that is used lasts longer: as long again when half of it is over. */
  anonymousSessionRenewal: flag.default(false),
  /** Anonymous sessions that are made for one network within an hour; `false` or `off`: any number. */
  anonymousSessionsPerAddress: orOff(1, 1_000_000).default(100),
  /** Where anonymous sessions are asked for, besides `sessions/anonymous` under `restPath`. */
  anonymousSessionPath: z.string().startsWith('/').default('/api/accounts/anonymous-session'),
  /**
   * Proxies whose `X-Forwarded-For` is believed: addresses, networks such as `10.0.0.0/8`, `loopback`, `private`. Where it is
   * empty, the address of a caller is that of the socket.
   */
  trustedProxies: listOf(Network).default([]),
  /** Where REST/SSE is mounted. */
  restPath: z.string().startsWith('/').default('/api/agents'),
  /**
   * How REST answers lists: `envelope`, with the items in `results` and links to other pages, or `array`, the items alone, with
   * the links and the count in headers.
   */
  restLists: z.enum(['envelope', 'array']).default('envelope'),
  /** Where tRPC is mounted. */
  trpcPath: z.string().startsWith('/').default('/trpc'),
  /** Origins besides its own whose pages may ask, e.g. `https://app.example.com`; `*` for all, with no cookies over HTTP. */
  allowedOrigins: listOf(Origin).default([]),
  /**
   * Headers that clients may set over a WebSocket, besides `authorization` and `x-anonymous-token`. None that a
   * proxy sets: it does not see these, so that anybody could be anybody.
   */
  socketHeaders: listOf(HeaderName).default([]),
  /** Subscriptions that a WebSocket carries at once. */
  subscriptionsPerSocket: z.coerce.number().int().min(1).max(100_000).default(200),
  /** WebSockets that a process has open for one principal. No limit without `authenticate`. */
  socketsPerPrincipal: z.coerce.number().int().min(1).max(1_000_000).default(100),
})
export type Config = z.infer<typeof Config>

/** What `createAgentRuntime` takes as `config`: any of the settings. */
export type Settings = { [TName in keyof Config]?: Config[TName] | undefined }

/** The environment variable of each setting that has one. */
export const ENVIRONMENT = {
  databaseUrl: 'DATABASE_URL',
  databasePoolSize: 'DATABASE_POOL_SIZE',
  databaseConnectTimeoutSeconds: 'DATABASE_CONNECT_TIMEOUT_SECONDS',
  directUrl: 'DIRECT_URL',
  preparedStatements: 'PREPARED_STATEMENTS',
  queueBackend: 'QUEUE_BACKEND',
  registry: 'RUNTIME_REGISTRY',
  eventBusBackend: 'EVENT_BUS_BACKEND',
  redisUrl: 'REDIS_URL',
  redisCluster: 'REDIS_CLUSTER',
  modelProvider: 'MODEL_PROVIDER',
  defaultModel: 'DEFAULT_MODEL',
  modelIdleTimeoutSeconds: 'MODEL_IDLE_TIMEOUT_SECONDS',
  modelPatienceSeconds: 'MODEL_PATIENCE_SECONDS',
  runTimeoutSeconds: 'RUN_TIMEOUT_SECONDS',
  cancelGraceSeconds: 'CANCEL_GRACE_SECONDS',
  leaseTtlSeconds: 'LEASE_TTL_SECONDS',
  retryDelaySeconds: 'RETRY_DELAY_SECONDS',
  maxAttempts: 'MAX_ATTEMPTS',
  newConversations: 'NEW_CONVERSATIONS',
  maxWaitingRuns: 'MAX_WAITING_RUNS',
  maxRunDepth: 'MAX_RUN_DEPTH',
  maxChildRuns: 'MAX_CHILD_RUNS',
  maxRunsBelow: 'MAX_RUNS_BELOW',
  principalRunsAtOnce: 'PRINCIPAL_RUNS_AT_ONCE',
  tenantRunsAtOnce: 'TENANT_RUNS_AT_ONCE',
  concurrency: 'CONCURRENCY',
  maxIsolatedProcesses: 'MAX_ISOLATED_PROCESSES',
  queuePollIntervalSeconds: 'QUEUE_POLL_INTERVAL_SECONDS',
  streamPollIntervalSeconds: 'STREAM_POLL_INTERVAL_SECONDS',
  streamKeepAliveSeconds: 'STREAM_KEEP_ALIVE_SECONDS',
  streamReauthenticateSeconds: 'STREAM_REAUTHENTICATE_SECONDS',
  streamMaxAgeSeconds: 'STREAM_MAX_AGE_SECONDS',
  compactAfterSeconds: 'COMPACT_AFTER_SECONDS',
  retentionDays: 'RETENTION_DAYS',
  authenticateTimeoutSeconds: 'AUTHENTICATE_TIMEOUT_SECONDS',
  authorizeTimeoutSeconds: 'AUTHORIZE_TIMEOUT_SECONDS',
  quotaTimeoutSeconds: 'QUOTA_TIMEOUT_SECONDS',
  retentionTimeoutSeconds: 'RETENTION_TIMEOUT_SECONDS',
  keepAliveTimeoutSeconds: 'KEEP_ALIVE_TIMEOUT_SECONDS',
  messageRoles: 'MESSAGE_ROLES',
  visitorMessageRoles: 'VISITOR_MESSAGE_ROLES',
  refusalsPerSecond: 'REFUSALS_PER_SECOND',
  maxBodyBytes: 'MAX_BODY_BYTES',
  maxFileBytes: 'MAX_FILE_BYTES',
  maxFilesPerRequest: 'MAX_FILES_PER_REQUEST',
  uploadIdleSeconds: 'UPLOAD_IDLE_SECONDS',
  principalFileBytes: 'PRINCIPAL_FILE_BYTES',
  filesAtOnce: 'FILES_AT_ONCE',
  fileBytesPerSecond: 'FILE_BYTES_PER_SECOND',
  unusedFileHours: 'UNUSED_FILE_HOURS',
  schedulesPerPrincipal: 'SCHEDULES_PER_PRINCIPAL',
  webhookHosts: 'WEBHOOK_HOSTS',
  webhookAllowPrivate: 'WEBHOOK_ALLOW_PRIVATE',
  minScheduleSeconds: 'MIN_SCHEDULE_SECONDS',
  memoriesPerPrincipal: 'MEMORIES_PER_PRINCIPAL',
  memoriesPerTenant: 'MEMORIES_PER_TENANT',
  maxMemoryBytes: 'MAX_MEMORY_BYTES',
  filesFolder: 'FILES_FOLDER',
  eventVisibility: 'EVENT_VISIBILITY',
  debugMode: 'DEBUG_MODE',
  langfuseEnabled: 'LANGFUSE_ENABLED',
  langfusePublicKey: 'LANGFUSE_PUBLIC_KEY',
  langfuseSecretKey: 'LANGFUSE_SECRET_KEY',
  langfuseHost: 'LANGFUSE_HOST',
  anonymousSessionDays: 'ANONYMOUS_SESSION_DAYS',
  anonymousSessionRenewal: 'ANONYMOUS_SESSION_RENEWAL',
  anonymousSessionsPerAddress: 'ANONYMOUS_SESSIONS_PER_ADDRESS',
  anonymousSessionPath: 'ANONYMOUS_SESSION_PATH',
  trustedProxies: 'TRUSTED_PROXIES',
  restLists: 'REST_LISTS',
  allowedOrigins: 'ALLOWED_ORIGINS',
  socketHeaders: 'SOCKET_HEADERS',
  subscriptionsPerSocket: 'SUBSCRIPTIONS_PER_SOCKET',
  socketsPerPrincipal: 'SOCKETS_PER_PRINCIPAL',
} as const satisfies Partial<Record<keyof Config, string>>

/** A setting is missing or malformed. The message names the setting and its variable. */
export class ConfigError extends StartupError {
  override readonly name = 'ConfigError'
}
