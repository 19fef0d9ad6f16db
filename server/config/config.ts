// It is long, since every setting stands here, once.
import { z } from 'zod'
import { Visibility } from '../contract/visibility.ts'
import { MessageRole } from '../contract/message.ts'
import { MAX_TIMEOUT_MS } from '../contract/create-run.ts'
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

/** Seconds need an upper bound: a timer for more than 24 days fires at once. */
const DAY_SECONDS = 86_400

/**
 * Every setting, once: what it means, and its default. `environment.ts` has the variable that it is read from when it
 * is not passed to `createAgentRuntime`.
 */
export const Config = z.object({
  /** PostgreSQL connection URL. Required to start, not to create a runtime: builds import it without one. */
  databaseUrl: z.string().min(1).optional(),
  /** Connections of this process for statements; the LISTEN connection comes on top. */
  databasePoolSize: z.coerce.number().int().min(2).max(500).default(10),
  /** Seconds to wait for a database connection before a request is answered with 503. */
  databaseConnectTimeoutSeconds: z.coerce.number().min(0.05).max(600).default(10),
  /**
   * URL of PostgreSQL itself, if `databaseUrl` leads to a pooler. Used for work that needs a session of its
   * own.
   */
  directUrl: z.string().min(1).optional(),
  /** Whether statements are prepared by name. Poolers that can't follow them need `false`. */
  preparedStatements: flag.default(true),
  /** Where the queue is stored. `redis_streams` means `redis`. */
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
  /** What carries hints between processes. With `none`, every process only polls, at its poll intervals. */
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
  /** Whether `redisUrl` leads to a node of a Redis Cluster. */
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
   * Seconds a model's stream may be silent before its request is given up; the attempt then fails and is
   * tried again. Before the answer begins, five times as long. `false` or `off`: for as long as the run may
   * take.
   */
  modelIdleTimeoutSeconds: orOff(0.05, DAY_SECONDS).default(60),
  /**
   * Seconds a run waits, in its last attempt, for a model that is overloaded or at its rate limit; `false` or
   * `off`: it fails at once. Earlier attempts fail at once, and the next attempt follows.
   */
  modelPatienceSeconds: orOff(1, DAY_SECONDS).default(300),
  /** Seconds one attempt of a run may take before the run times out. */
  runTimeoutSeconds: z.coerce
    .number()
    .min(1)
    .max(Math.floor(MAX_TIMEOUT_MS / 1000))
    .default(900),
  /** Seconds an agent has to return after `ctx.signal` aborted, before it is abandoned. */
  cancelGraceSeconds: z.coerce.number().min(0).max(DAY_SECONDS).default(5),
  /** Seconds a worker that falls silent keeps its runs. It renews its leases after a third of that. */
  leaseTtlSeconds: z.coerce.number().min(10).max(DAY_SECONDS).default(30),
  /** How many runs may be above a run that an agent starts: its parent, the parent's parent, and so on. */
  maxRunDepth: z.coerce.number().int().min(0).max(100).default(8),
  /** Runs that one run may start, over all its attempts. */
  maxChildRuns: z.coerce.number().int().min(0).max(10_000).default(100),
  /**
   * Runs that may be started in all below a run that no agent started, at any depth. At least `maxChildRuns`; the
   * default is `maxChildRuns` where that is more.
   */
  maxRunsBelow: z.coerce.number().int().min(0).max(1_000_000).default(1_000),
  /** Seconds between a failed attempt and the next one, doubled each time up to a minute. */
  retryDelaySeconds: z.coerce.number().min(0).max(DAY_SECONDS).default(1),
  /** Attempts before a run fails for good. */
  maxAttempts: z.coerce.number().int().min(1).max(100).default(3),
  /**
   * Which runs without a conversation get a new one: those that ask for it (`asked`), or all except
   * `ephemeral` ones (`always`). Runs of schedules never get one.
   */
  newConversations: z.enum(['asked', 'always']).default('asked'),
  /** Runs that may wait for their turn in one conversation. Further ones are refused with 429. */
  maxWaitingRuns: z.coerce.number().int().min(1).max(100_000).default(1_000),
  /**
   * Runs of a principal that may be in the queue or under way at once; further ones wait. `false` or `off`:
   * no limit. Callers of kind `public` have no limit, since they are all the same principal.
   */
  principalRunsAtOnce: orOff(1, 100_000, { isWhole: true }).default(false),
  /** The same for all principals of a tenant together; the tenant `''` has no limit. */
  tenantRunsAtOnce: orOff(1, 100_000, { isWhole: true }).default(false),
  /** Runs a worker process executes at once. */
  concurrency: z.coerce.number().int().min(1).max(10_000).default(20),
  /**
   * Processes a worker has at once for runs that get a process of their own. Silent ones, up to twice as
   * many, do not count.
   */
  maxIsolatedProcesses: z.coerce.number().int().min(1).max(1_000).default(4),
  /** Seconds between polls of the queue when no notification comes. */
  queuePollIntervalSeconds: z.coerce.number().min(0.05).max(DAY_SECONDS).default(1),
  /** Seconds between polls of a followed run when no notification comes. */
  streamPollIntervalSeconds: z.coerce.number().min(0.05).max(DAY_SECONDS).default(2),
  /**
   * Seconds between keep-alives on an idle stream: comments of SSE, pings of tRPC and WebSockets. A tRPC client that hears
   * nothing for three times as long connects again. Streams of running runs have one at least every 2 s, whatever this
   * is: `RUNNING_INTERVAL_MS` in `server/api/keep-alive.ts`.
   */
  streamKeepAliveSeconds: z.coerce.number().min(0.05).max(DAY_SECONDS).default(15),
  /** Seconds after which `authenticate` is asked again about the reader of an open stream. */
  streamReauthenticateSeconds: z.coerce.number().min(0.05).max(DAY_SECONDS).default(60),
  /** Seconds after which a stream is ended. Its reader opens it again and continues at the same place. */
  streamMaxAgeSeconds: z.coerce.number().min(0.05).max(1_000_000).default(3600),
  /**
   * Seconds after its end at which a run is compacted: its deltas are joined into its messages; `false` or
   * `off`: never. At least a minute, so that everything that ended before has been committed.
   */
  compactAfterSeconds: orOff(60, 10 * 365 * DAY_SECONDS).default(3600),
  /**
   * Days after its end at which a run is deleted, with everything that belongs to it; `false` or `off`:
   * never. An agent's `retentionDays` and the runtime's `retention` can override it.
   */
  retentionDays: orOff(RETENTION_DAYS.min, RETENTION_DAYS.max).default(false),
  /** Seconds `authenticate` may take before a request is answered with 503. */
  authenticateTimeoutSeconds: z.coerce.number().min(0.05).max(600).default(10),
  /** Seconds `authorize` may take before a request is refused with 503. */
  authorizeTimeoutSeconds: z.coerce.number().min(0.05).max(600).default(10),
  /** Seconds `quota` and `limits` may each take before a run is refused with 503. */
  quotaTimeoutSeconds: z.coerce.number().min(0.05).max(600).default(10),
  /** Seconds `retention` may take. Without an answer, everything of that tenant and agent is kept. */
  retentionTimeoutSeconds: z.coerce.number().min(0.05).max(600).default(10),
  /** Seconds `serve` keeps an unused connection open. Must be longer than in the proxy in front of it. */
  keepAliveTimeoutSeconds: z.coerce.number().min(1).max(DAY_SECONDS).default(65),
  /**
   * Roles of the messages that users may send, besides `user`, which is always allowed. `limits` can override
   * it.
   */
  messageRoles: listOf(z.string().pipe(MessageRole)).default(['system', 'user', 'assistant', 'tool']),
  /** The same for anonymous visitors. */
  visitorMessageRoles: listOf(z.string().pipe(MessageRole)).default(['user']),
  /**
   * Refusals a second that one caller gets without delay; further ones are delayed. `false` or `off`: none is
   * delayed.
   */
  refusalsPerSecond: orOff(1, 1_000_000).default(250),
  /** Largest request body, in bytes. */
  maxBodyBytes: z.coerce.number().int().min(1).default(1_048_576),
  /** Largest file that can be uploaded, in bytes. */
  maxFileBytes: z.coerce.number().int().min(1).max(2_000_000_000).default(20_971_520),
  /** Files in one request. */
  maxFilesPerRequest: z.coerce.number().int().min(1).max(1_000).default(10),
  /** Seconds a request with files may send nothing before it is given up. A download may take nothing for ten times as long. */
  uploadIdleSeconds: z.coerce.number().min(0.05).max(300).default(30),
  /** Bytes of all files of a principal together; `false` or `off`: no limit. Callers of kind `public` have none. */
  principalFileBytes: orOff(1, Number.MAX_SAFE_INTEGER, { isWhole: true }).default(1_073_741_824),
  /** Uploads and downloads under way at once in a process, of one principal. No limit without `authenticate`. */
  transfersPerPrincipal: z.coerce.number().int().min(1).max(1_000_000).default(500),
  /**
   * Bytes a second of all uploads and downloads in a process together; `false` or `off`: no limit. An upload has five
   * minutes, so a file of `maxFileBytes` must pass in that time.
   */
  fileBytesPerSecond: orOff(1_048_576, Number.MAX_SAFE_INTEGER, { isWhole: true }).default(16_777_216),
  /** Schedules that a principal may have. Those in agents' code don't count. */
  schedulesPerPrincipal: z.coerce.number().int().min(0).max(100_000).default(100),
  /** The shortest time between two occurrences of a caller's schedule, in seconds. */
  minScheduleSeconds: z.coerce.number().int().min(1).max(DAY_SECONDS).default(60),
  /**
   * Hosts that callers' webhooks may call: names such as `hooks.example.com`, `*.example.com` for all below a
   * name, `*` for any public host. If it is empty, callers cannot have webhooks.
   */
  webhookHosts: listOf(WebhookHost).default([]),
  /**
   * Whether these hosts may have addresses that are not public, and use `http:`. Not allowed with the host
   * `*`.
   */
  webhookAllowPrivate: flag.default(false),
  /** Memories that agents may keep of a principal (`ctx.memory`), and of a tenant. */
  memoriesPerPrincipal: z.coerce.number().int().min(0).max(1_000_000).default(1_000),
  memoriesPerTenant: z.coerce.number().int().min(0).max(1_000_000).default(1_000),
  /** Bytes that the value of a memory may have, as JSON. */
  maxMemoryBytes: z.coerce.number().int().min(1).max(1_000_000).default(65_536),
  /** Hours after which a file that no message names is deleted. */
  unusedFileHours: z.coerce
    .number()
    .min(0.01)
    .max(24 * 3_650)
    .default(24),
  /** The folder in which files are kept. All API servers and workers must share it. Default: the database. */
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
  /** Whether an anonymous session is extended to its full length when it is used in its second half. */
  anonymousSessionRenewal: flag.default(false),
  /** Anonymous sessions that one network may get within an hour; `false` or `off`: any number. */
  anonymousSessionsPerAddress: orOff(1, 1_000_000).default(100),
  /** A second path for requesting anonymous sessions, besides `sessions/anonymous` under `restPath`. */
  anonymousSessionPath: z.string().startsWith('/').default('/api/accounts/anonymous-session'),
  /**
   * Proxies whose `X-Forwarded-For` is believed: addresses, networks such as `10.0.0.0/8`, `loopback`,
   * `private`. If it is empty, the address of a caller is that of the socket.
   */
  trustedProxies: listOf(Network).default([]),
  /** Where REST/SSE is mounted. */
  restPath: z.string().startsWith('/').default('/api/agents'),
  /**
   * Form of REST lists: `envelope` has the items in `results` and links to other pages; `array` has only the
   * items, with the links and the count in headers.
   */
  restLists: z.enum(['envelope', 'array']).default('envelope'),
  /** Where tRPC is mounted. */
  trpcPath: z.string().startsWith('/').default('/trpc'),
  /**
   * Other origins whose pages may send requests, e.g. `https://app.example.com`; `*` for all, with no cookies
   * over HTTP.
   */
  allowedOrigins: listOf(Origin).default([]),
  /**
   * Headers that clients may set over a WebSocket, besides `authorization` and `x-anonymous-token`. Never
   * name a header that a proxy sets: the proxy does not see headers sent over a socket, so any client could
   * forge it.
   */
  socketHeaders: listOf(HeaderName).default([]),
  /** Subscriptions that a WebSocket carries at once. */
  subscriptionsPerSocket: z.coerce.number().int().min(1).max(100_000).default(200),
  /** Event streams over HTTP that a process has open for one principal, requests that wait for events among them. No limit without `authenticate`. */
  streamsPerPrincipal: z.coerce.number().int().min(1).max(1_000_000).default(10_000),
  /** WebSockets that a process has open for one principal. No limit without `authenticate`. */
  socketsPerPrincipal: z.coerce.number().int().min(1).max(1_000_000).default(100),
})
export type Config = z.infer<typeof Config>

/** What `createAgentRuntime` takes as `config`: any of the settings. */
export type Settings = { [TName in keyof Config]?: Config[TName] | undefined }
