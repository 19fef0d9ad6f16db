// The entry `trpc-agent-runtime/prometheus`.
export { prometheus } from './prometheus.ts'
export type { Prometheus, PrometheusOptions } from './prometheus.ts'
