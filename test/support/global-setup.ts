// One PostgreSQL for all integration tests of a run. Every test that needs a database gets one there.
import type { TestProject } from 'vitest/node'
import { startTestCluster } from './cluster.ts'
import type { ClusterAccess } from './cluster.ts'

declare module 'vitest' {
  interface ProvidedContext {
    postgres: ClusterAccess
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const { adminUrl, template, stop } = await startTestCluster()
  provide('postgres', { adminUrl, template })
  return stop
}
