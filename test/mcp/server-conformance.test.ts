// The protocol's own suite against agents as tools. It comes from the registry, so this is not part of `npm test`.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { expect } from 'vitest'
import { z } from 'zod'
import { createMcpServer } from '../../server/mcp-server/index.ts'
import { test } from '../support/runtime.ts'
import { runSuite } from './run-suite.ts'
import { taskKeys, tools } from './tools-of-the-suite.ts'

/**
 * Features that agents as tools do not have, with the scenarios that need them. The suite fails these, and
 * passes all others.
 */
const NOT_APPLICABLE = {
  'a run answers with text and an output: no images, sounds or resources': [
    'tools-call-image',
    'tools-call-audio',
    'tools-call-embedded-resource',
    'tools-call-mixed-content',
  ],
  'there are tools alone: no prompts, resources, completion or protocol logs': [
    'completion-complete',
    'logging-set-level',
    'tools-call-with-logging',
    'resources-list',
    'resources-read-text',
    'resources-read-binary',
    'resources-templates-read',
    'resources-subscribe',
    'resources-unsubscribe',
    'prompts-list',
    'prompts-get-simple',
    'prompts-get-with-args',
    'prompts-get-embedded-resource',
    'prompts-get-with-image',
    'caching',
    'input-required-result-non-tool-request',
  ],
  'a run asks people: not the model or the folders of the client': [
    'tools-call-sampling',
    'input-required-result-basic-sampling',
    'input-required-result-basic-list-roots',
    'input-required-result-multiple-input-requests',
    'input-required-result-capability-check',
  ],
  'clients of older versions are told that the run waits: requests of a server need a session': [
    'tools-call-elicitation',
    'elicitation-sep1034-defaults',
    'elicitation-sep1330-enums',
  ],
  'the input of a tool is a message and the params of the agent, with no words of its own': [
    'json-schema-2020-12',
    'http-custom-header-server-validation',
  ],
  'a call is no task for clients that know none, and asks nothing before it is one': [
    'tasks-required-task-error',
    'tasks-mrtr-composition',
  ],
  'three of its checks want tools that need a capability, ask within a stream, or log': ['server-stateless'],
}

test(
  'agents as tools pass what applies of the suite of the protocol',
  { timeout: 300_000 },
  async ({ createServer: createRuntime }) => {
    const authenticate = () => ({ id: 'suite', tenantId: 'acme', kind: 'user' as const })
    const { runtime } = await createRuntime({
      agents: tools,
      authenticate,
      config: { queuePollIntervalSeconds: 0.5 },
    })
    const agentKeys = tools.map(({ key }) => key)
    const hostnames = ['127.0.0.1', 'localhost']
    const mcp = createMcpServer(runtime, { authenticate, agentKeys, taskKeys, hostnames, origins: hostnames })
    await using url = await listen(async (request) => mcp(await withParams(request)))
    try {
      const failures = await runSuite('server', ['--url', url.address])
      const expected = Object.values(NOT_APPLICABLE).flat()
      expect([...failures].filter(([scenario]) => !expected.includes(scenario))).toEqual([])
      expect([...failures.keys()].toSorted()).toEqual(expected.toSorted())
      expect(failures.get('server-stateless')).toHaveLength(4)
    } finally {
      await mcp.close()
    }
  },
)

/** The suite names its tools' inputs, which are the params of an agent. */
async function withParams(request: Request): Promise<Request> {
  if (request.method !== 'POST') return request
  const { method, headers, signal, url } = request
  const text = await request.text()
  const message = readCall(text)
  const sent = new Headers(headers)
  sent.delete('content-length')
  return new Request(url, { method, headers: sent, signal, body: message ?? text })
}

const Call = z.looseObject({
  method: z.literal('tools/call'),
  params: z.looseObject({ arguments: z.json() }),
})

function readCall(text: string): string | undefined {
  const read = z.preprocess(() => JSON.parse(text) as unknown, Call).safeParse(undefined)
  if (!read.success) return undefined
  const { params, ...message } = read.data
  return JSON.stringify({ ...message, params: { ...params, arguments: { params: params.arguments } } })
}

async function listen(handle: (request: Request) => Promise<Response>) {
  const server = createServer(getRequestListener(handle))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
