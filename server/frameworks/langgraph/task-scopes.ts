// Nodes that finished are not run again, so calls of `ctx` within a node are told apart by the node's task, and within a tool by its call.
import { AsyncLocalStorageProviderSingleton } from '@langchain/core/singletons'
import type { CallScope } from '../../agent/call-scope.ts'

/** Of a task, as LangGraph tells it. Not its id: a task that is prepared anew, when no checkpoint was stored, gets another. */
interface TaskMetadata {
  langgraph_checkpoint_ns?: unknown
  langgraph_step?: unknown
  langgraph_path?: unknown
}

interface Task {
  /** Its step and its place there, within the tasks around it. */
  id: string
  time: object
}

export class TaskScopes {
  readonly #graph: string
  readonly #tasks = new Map<string, Task>()
  readonly #tools = new Map<string, CallScope>()

  /** @param graph no other graph's of the run. */
  constructor(graph: string) {
    this.#graph = graph
  }

  /** A task begins, or begins anew. */
  begin(metadata: TaskMetadata): void {
    const { langgraph_checkpoint_ns: ns } = metadata
    if (typeof ns === 'string') this.#tasks.set(ns, { id: this.#idOf(ns, metadata), time: {} })
  }

  beginTool(runId: string, toolCallId: string): void {
    this.#tools.set(runId, { id: `tool ${toolCallId}`, time: {} })
  }

  endTool(runId: string): void {
    this.#tools.delete(runId)
  }

  /** Where the calling code is. */
  find(): CallScope | undefined {
    const { metadata, callbacks } = (AsyncLocalStorageProviderSingleton.getRunnableConfig() ?? {}) as {
      metadata?: TaskMetadata
      callbacks?: { getParentRunId?(): string | undefined }
    }
    const ns = metadata?.langgraph_checkpoint_ns
    if (metadata === undefined || typeof ns !== 'string') return undefined
    if (!this.#tasks.has(ns)) this.begin(metadata)
    const task = this.#tasks.get(ns)
    const tool = this.#tools.get(callbacks?.getParentRunId?.() ?? '')
    return task && (tool === undefined ? task : { id: `${task.id}\n${tool.id}`, time: tool.time })
  }

  #idOf(ns: string, { langgraph_step: step, langgraph_path: path }: TaskMetadata): string {
    const around = this.#tasks.get(ns.slice(0, Math.max(0, ns.lastIndexOf('|'))))
    return JSON.stringify([around?.id ?? this.#graph, step, path])
  }
}
