import { isNotInstalled, notEmpty } from '../../ports/optional-peer.ts'
import { StartupError } from '../../ports/startup-error.ts'

/** @throws StartupError saying what to install, when one of the packages is missing. */
export async function loadOpenTelemetry() {
  try {
    const api = notEmpty(await import('@opentelemetry/api'))
    const sdk = notEmpty(await import('@opentelemetry/sdk-trace'))
    const { OTLPTraceExporter } = notEmpty(await import('@opentelemetry/exporter-trace-otlp-http'))
    return { api, sdk, OTLPTraceExporter }
  } catch (error) {
    if (!isNotInstalled(error)) throw error
    throw new StartupError(
      'Langfuse needs three packages: npm install @opentelemetry/api @opentelemetry/sdk-trace @opentelemetry/exporter-trace-otlp-http',
      { cause: error },
    )
  }
}
