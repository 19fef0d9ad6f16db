import { styleText } from 'node:util'
import type { AgentRuntime } from '../create-runtime.ts'

interface Banner {
  runtime: AgentRuntime
  url: string
  hasPage: boolean
  /** How the database is called, without credentials. */
  database: string
  startedAfterMs: number
}

/** What `dev` says when everything runs. */
export function formatBanner({ runtime, url, hasPage, database, startedAfterMs }: Banner): string {
  const { restPath, trpcPath } = runtime.config
  const lines: [name: string, value: string][] = [
    ...(hasPage ? [['Page', `${url}/`] as [string, string]] : []),
    ['REST', url + restPath],
    ['tRPC', url + trpcPath],
    ['Database', database],
    ['Model', describeModel(runtime.model)],
    ['Agents', runtime.agents.map((agent) => agent.key).join(', ')],
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

function describeModel({ provider, name }: AgentRuntime['model']): string {
  if (provider !== 'demo') return `${name} (${provider})`
  return 'demo: rules, no language model. Set OPENAI_API_KEY or ANTHROPIC_API_KEY to use a real one'
}

function curlLines({ agents }: AgentRuntime, restUrl: string): { create: string; follow: string } {
  // One that needs no parameters, if there is one: then the line works as it is.
  const agent = agents.find(needsNoParams) ?? agents[0]
  const body = { agent_key: agent?.key ?? 'my-agent', messages: [{ role: 'user', content: 'Hello!' }] }
  const create = `curl -s ${restUrl}/runs -H 'content-type: application/json' -d '${JSON.stringify(body)}'`
  const id = `$(${create} | grep -o '"id": *"[^"]*"' | head -n 1 | cut -d '"' -f 4)`
  return { create, follow: `curl -sN "${restUrl}/runs/${id}/events/stream"` }
}

function needsNoParams({ params }: AgentRuntime['agents'][number]): boolean {
  try {
    return params?.safeParse({}).success ?? true
  } catch {
    // A schema that can only be checked asynchronously.
    return false
  }
}
