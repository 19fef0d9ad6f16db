import { createRequire } from 'node:module'
import type * as PromClient from 'prom-client'
import { isNotInstalled } from '../../ports/optional-peer.ts'
import { StartupError } from '../../ports/startup-error.ts'

// It is no ES module, so it can be had at once, when somebody asks for metrics.
const load = createRequire(import.meta.url)

/** @throws StartupError saying what to install, when it is missing. */
export function loadPromClient(): typeof PromClient {
  try {
    return load('prom-client') as typeof PromClient
  } catch (error) {
    if (!isNotInstalled(error)) throw error
    throw new StartupError('Prometheus needs the package "prom-client": npm install prom-client', {
      cause: error,
    })
  }
}
