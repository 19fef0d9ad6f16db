import type { Instrument, Labels } from '../../ports/metrics.ts'

/** As OpenTelemetry's names are written in Prometheus: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/ */
export function toMetricName({ name, unit }: Pick<Instrument, 'name' | 'unit'>, suffix = ''): string {
  return `${withUnderscores(name)}${unit === 's' ? '_seconds' : ''}${suffix}`
}

export const toLabelNames = (labels: readonly string[]): string[] => labels.map(withUnderscores)

export function toLabels(labels: Labels): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [withUnderscores(name), value]))
}

const withUnderscores = (name: string) => name.replaceAll('.', '_')
