import type { Instrument, Labels } from '../../ports/metrics.ts'

/** As OpenTelemetry's names are written in Prometheus: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/ */
export function toMetricName({ name, unit }: Pick<Instrument, 'name' | 'unit'>, suffix = ''): string {
  return `${withUnderscores(name)}${unit === 's' ? '_seconds' : ''}${suffix}`
}

export const toLabelNames = (labels: readonly string[]): string[] => labels.map(withUnderscores)

export function toLabels(labels: Labels): Record<string, string> {
  const written: Record<string, string> = {}
  for (const name of Object.keys(labels)) written[withUnderscores(name)] = labels[name] as string
  return written
}

/** Names are few and asked for at each measurement. */
const underscored = new Map<string, string>()

function withUnderscores(name: string): string {
  const known = underscored.get(name)
  if (known !== undefined) return known
  const written = name.replaceAll('.', '_')
  underscored.set(name, written)
  return written
}
