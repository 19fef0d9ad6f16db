import { ConfigError } from '../../config/config-error.ts'
import { noTracer } from '../../ports/no-tracer.ts'
import type { Tracer } from '../../ports/tracer.ts'
import { createTell, describeBegun, describeEnded, describeGiven } from '../opentelemetry/attributes.ts'
import type { OpenTelemetryOptions } from '../opentelemetry/tracer.ts'
import { traceWith } from '../opentelemetry/trace-with.ts'
import { describeEndForLangfuse, describeForLangfuse, describeGivenForLangfuse } from './attributes.ts'
import { loadOpenTelemetry } from './load-opentelemetry.ts'

export interface LangfuseOptions extends Pick<OpenTelemetryOptions, 'content' | 'mask'> {
  /** Default: the environment's `LANGFUSE_PUBLIC_KEY`. */
  publicKey?: string | undefined
  /** Default: the environment's `LANGFUSE_SECRET_KEY`. */
  secretKey?: string | undefined
  /** Default: the environment's `LANGFUSE_HOST`, else `https://cloud.langfuse.com`. */
  host?: string | undefined
}

const PATH = '/api/public/otel/v1/traces'
/** How long Langfuse has to take what it is sent. */
const SEND_WITHIN_MS = 5_000

/**
 * Traces runs to Langfuse: a conversation is a session, a principal a user, calls to models are generations with their usage, and what
 * was said is told, unless `content` is false. It needs `@opentelemetry/api`, `@opentelemetry/sdk-trace` and
 * `@opentelemetry/exporter-trace-otlp-http`, and leaves alone what else the application traces.
 *
 * @throws ConfigError when a key is missing, or the host is no URL.
 * @example
 * createAgentRuntime({ agents, tracer: langfuse({ mask: withoutCards }) })
 */
export function langfuse(options: LangfuseOptions = {}): Tracer {
  const { content = true, mask = (value) => value } = options
  const tell = createTell({ content, mask })
  const sent = destinationOf(options)
  let tracer = noTracer
  let shutDown: (() => Promise<void>) | undefined
  return {
    async prepare() {
      const { api, sdk, OTLPTraceExporter } = await loadOpenTelemetry()
      const exporter = new OTLPTraceExporter({ ...sent, timeoutMillis: SEND_WITHIN_MS })
      const provider = new sdk.TracerProvider({ spanProcessors: [new sdk.BatchSpanProcessor({ exporter })] })
      shutDown = () => provider.shutdown()
      tracer = traceWith(api, {
        tracer: () => provider.getTracer('trpc-agent-runtime'),
        tell,
        begun(operation) {
          const begun = describeBegun(operation)
          return { ...begun, attributes: describeForLangfuse(operation, begun.attributes) }
        },
        given: (operation) => describeGivenForLangfuse(operation, describeGiven(operation, tell)),
        ended: (operation, outcome) => ({
          ...describeEnded(operation, outcome, tell),
          ...describeEndForLangfuse(operation, outcome, tell),
        }),
      })
    },
    begin: (operation) => tracer.begin(operation),
    continueFrom: (readTraceparent, work) => tracer.continueFrom(readTraceparent, work),
    stop: async () => shutDown?.(),
  }
}

function destinationOf({ publicKey, secretKey, host }: LangfuseOptions) {
  const user = publicKey ?? requireKey('LANGFUSE_PUBLIC_KEY', 'publicKey')
  const password = secretKey ?? requireKey('LANGFUSE_SECRET_KEY', 'secretKey')
  const base = host ?? (process.env['LANGFUSE_HOST'] || 'https://cloud.langfuse.com')
  if (!URL.canParse(base)) throw new ConfigError(`Langfuse: LANGFUSE_HOST is no URL: ${base}`)
  const credentials = Buffer.from(`${user}:${password}`).toString('base64')
  return {
    url: `${base.replace(/\/+$/, '')}${PATH}`,
    headers: { authorization: `Basic ${credentials}` },
  }
}

function requireKey(variable: string, option: string): string {
  const key = process.env[variable]
  if (key) return key
  throw new ConfigError(`Langfuse needs a key: set ${variable}, or pass ${option}.`)
}
