// A client of the protocol's tasks. The SDK's own client refuses a task as the answer to a call, so that
// answer is read separately.
import { Client, SdkError, SdkErrorCode, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { ClientCapabilities } from '@modelcontextprotocol/client'
import { z } from 'zod'

const TASKS = 'io.modelcontextprotocol/tasks'

const Task = z.looseObject({
  taskId: z.string(),
  status: z.string(),
  ttlMs: z.int().min(1).nullable(),
  pollIntervalMs: z.int().min(1),
  createdAt: z.iso.datetime(),
  lastUpdatedAt: z.iso.datetime(),
  inputRequests: z.record(z.string(), z.looseObject({ method: z.string() })).optional(),
})
type Task = z.infer<typeof Task>

const Answer = z.object({ result: z.looseObject({ resultType: z.string() }) })

export interface TaskClient extends AsyncDisposable {
  client: Client
  /** The answer to a call, of any kind. */
  call(name: string, args?: object): Promise<Record<string, unknown>>
  get(taskId: string): Promise<Task>
  update(taskId: string, inputResponses: object): Promise<unknown>
  cancel(taskId: string): Promise<unknown>
}

export async function connectTasks(
  url: string,
  user: string,
  capabilities: ClientCapabilities = { elicitation: {}, extensions: { [TASKS]: {} } },
): Promise<TaskClient> {
  let heard: unknown
  const client = new Client(
    { name: 'test', version: '1' },
    { capabilities, versionNegotiation: { mode: 'auto' } },
  )
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), {
      requestInit: { headers: { authorization: `Bearer ${user}` } },
      async fetch(input, init) {
        const response = await fetch(input, init)
        const isJson = response.headers.get('content-type')?.startsWith('application/json')
        heard = isJson === true ? await response.clone().json() : undefined
        return response
      },
    }),
  )
  return {
    client,
    async call(name, args = {}) {
      await client.callTool({ name, arguments: { ...args } }).catch((error: unknown) => {
        if (!(error instanceof SdkError && error.code === SdkErrorCode.UnsupportedResultType)) throw error
      })
      return Answer.parse(heard).result
    },
    get: (taskId) => client.request({ method: 'tasks/get', params: { taskId } }, Task),
    update: (taskId, inputResponses) =>
      client.request({ method: 'tasks/update', params: { taskId, inputResponses } }, z.looseObject({})),
    cancel: (taskId) => client.request({ method: 'tasks/cancel', params: { taskId } }, z.looseObject({})),
    async [Symbol.asyncDispose]() {
      await client.close()
    },
  }
}
