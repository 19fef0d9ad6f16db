import { styleText } from 'node:util'
import { KEY_VARIABLES, either } from '../config/providers.ts'
import type { RuntimeDescription } from './describe-runtime.ts'

interface Banner {
  runtime: RuntimeDescription
  url: string
  hasPage: boolean
  /** The database's name and address, without credentials. */
  database: string
  startedAfterMs: number
}

/** The text that `dev` prints when everything runs. */
export function formatBanner({ runtime, url, hasPage, database, startedAfterMs }: Banner): string {
  const { restPath, trpcPath } = runtime
  const lines: [name: string, value: string][] = [
    ...(hasPage ? [['Page', `${url}/`] as [string, string]] : []),
    ['REST', url + restPath],
    ['tRPC', url + trpcPath],
    ['Database', database],
    ['Model', describeModel(runtime.model)],
    ['Agents', runtime.agentKeys.join(', ')],
  ]
  const { create, follow } = curlLines(runtime, url + restPath)
  return [
    '',
    `  ${styleText('bold', 'Ready')} after ${(startedAfterMs / 1000).toFixed(1)} s`,
    '',
    ...lines.map(([name, value]) => `  ${styleText('dim', name.padEnd(10))}${value}`),
    '',
    `  ${styleText('dim', 'Create a run:')}`,
    `  ${create}`,
    `  ${styleText('dim', 'Create one and follow it:')}`,
    `  ${follow}`,
    '',
    `  ${styleText('dim', 'Ctrl-C stops everything.')}`,
    '',
    '',
  ].join('\n')
}

function describeModel({ provider, name }: RuntimeDescription['model']): string {
  if (provider !== 'demo') return `${name} (${provider})`
  return `demo: rules, no language model. Set ${either(KEY_VARIABLES)} to use a real one`
}

function curlLines({ agentToTry }: RuntimeDescription, restUrl: string): { create: string; follow: string } {
  const body = { agent_key: agentToTry ?? 'my-agent', messages: [{ role: 'user', content: 'Hello!' }] }
  const create = `curl -s ${restUrl}/runs -H 'content-type: application/json' -d '${JSON.stringify(body)}'`
  const id = `$(${create} | grep -o '"id": *"[^"]*"' | head -n 1 | cut -d '"' -f 4)`
  return { create, follow: `curl -sN "${restUrl}/runs/${id}/events/stream"` }
}
