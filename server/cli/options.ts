import { InvalidArgumentError, Option } from 'commander'
import { KEY_VARIABLES, MODEL_PROVIDERS, either } from '../config/providers.ts'

const DAY_SECONDS = 86_400

/** An option's value: a number within bounds. */
function numberIn(bounds: { min: number; max: number; integer?: boolean }): (text: string) => number {
  const { min, max, integer = false } = bounds
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (!(value >= min && value <= max) || (integer && !Number.isInteger(value))) {
      throw new InvalidArgumentError(
        `It must be ${integer ? 'a whole number' : 'a number'} from ${min} to ${max}.`,
      )
    }
    return value
  }
}

/** An option's value: names separated by commas. */
function names(text: string): string[] {
  const list = text.split(',').map((name) => name.trim())
  if (list.includes('')) throw new InvalidArgumentError('It must be names separated by commas.')
  return list
}

export interface ListenOptions {
  port: number
  host: string
}

export const portOption = (): Option =>
  new Option('-p, --port <number>', 'port to listen on; 0 takes a free one')
    .env('PORT')
    .default(3000)
    .argParser(numberIn({ min: 0, max: 65_535, integer: true }))

export const hostOption = (): Option =>
  new Option('--host <address>', 'address to listen on; 0.0.0.0 is reachable from other machines')
    .env('HOST')
    .default('127.0.0.1')

export const allowedHostsOption = (): Option =>
  new Option(
    '--allowed-hosts <names>',
    'other host names of this server, whose pages may use it too, e.g. app.test,dev.example.com',
  )
    .env('ALLOWED_HOSTS')
    .default([], 'localhost, --host and addresses')
    .argParser(names)

export const insecureOption = (): Option =>
  new Option('--insecure', 'start without `authenticate`: everybody who reaches the server may do everything')

export const healthPortOption = (): Option =>
  new Option('--health-port <number>', 'port of all addresses to answer GET /healthz and /readyz on')
    .env('HEALTH_PORT')
    .argParser(numberIn({ min: 0, max: 65_535, integer: true }))

export interface MetricsOptions {
  metricsPort?: number | undefined
  metricsToken?: string | undefined
}

export const metricsOptions = (): Option[] => [
  new Option('--metrics-port <number>', 'port of all addresses to answer GET /metrics on, for Prometheus')
    .env('METRICS_PORT')
    .argParser(numberIn({ min: 0, max: 65_535, integer: true })),
  new Option(
    '--metrics-token <text>',
    'bearer token that requests must have; better set in the variable',
  ).env('METRICS_TOKEN'),
]

export const processesOption = (): Option =>
  new Option('--processes <number>', 'worker processes, each with its own concurrency')
    .default(1)
    .argParser(numberIn({ min: 1, max: 256, integer: true }))

export const reloadOption = (): Option =>
  new Option('--reload', 'reload when the code changes (default: if NODE_ENV is development)')

export const noReloadOption = (): Option => new Option('--no-reload', 'do not reload when the code changes')

export interface WorkerOptions {
  concurrency?: number
  agentKeys?: string[]
  queuePollInterval?: number
  drainTimeout: number
}

export const workerOptions = (drainTimeoutSeconds: number): Option[] => [
  new Option(
    '-c, --concurrency <number>',
    'runs a process executes at once (env: CONCURRENCY, default: 20)',
  ).argParser(numberIn({ min: 1, max: 10_000, integer: true })),
  new Option('--agent-keys <keys>', 'execute runs of these agents only, e.g. chat,research').argParser(names),
  new Option(
    '--queue-poll-interval <seconds>',
    'between polls of the queue when no notification comes (env: QUEUE_POLL_INTERVAL_SECONDS, default: 1)',
  ).argParser(numberIn({ min: 0.05, max: DAY_SECONDS })),
  new Option('--drain-timeout <seconds>', 'that running attempts get at the end, before they are handed back')
    .default(drainTimeoutSeconds)
    .argParser(numberIn({ min: 0, max: DAY_SECONDS })),
]

/** Variables of every command except `migrate`, for their help. */
export const ENVIRONMENT_HELP = `
Environment:
  DATABASE_URL        PostgreSQL connection URL
  MODEL_PROVIDER      ${either(MODEL_PROVIDERS)}; by default the one whose API key is set
  ${KEY_VARIABLES.join(', ')}
  DEFAULT_MODEL       name of the model
  RUNTIME_REGISTRY    functions that register agents, e.g. ./agents.ts#registerAgents: no entry is needed then
  RUN_TIMEOUT_SECONDS, MAX_ATTEMPTS, CONCURRENCY and the other settings of createAgentRuntime
  DEBUG=1             shows where errors came from`
