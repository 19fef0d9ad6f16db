import { z } from 'zod'
import { MemoryKey } from '../contract/memory.ts'
import type { AgentContext } from './context.ts'
import { defineTool } from './define-tool.ts'
import type { AnyTool } from './define-tool.ts'
import type { MemoryOptions } from './memory.ts'
import { NonRetriableError } from './non-retriable-error.ts'
import { ToolError } from './tool-error.ts'

export interface MemoryToolsOptions extends Pick<MemoryOptions, 'share'> {
  /** Default: `notes`. */
  namespace?: string
  /** Leaves out what writes. Default: false. */
  isReadOnly?: boolean
}

const text = z.string().max(10_000)

/**
 * Tools by which a model remembers, looks up and forgets: `remember`, `recall`, `forget`. What it remembers are texts.
 *
 * @example
 * const reply = await toolLoop(ctx, { tools: [getWeather, ...memoryTools(ctx)] })
 */
export function memoryTools(
  ctx: Pick<AgentContext, 'memory'>,
  { namespace = 'notes', share = 'principal', isReadOnly = false }: MemoryToolsOptions = {},
): AnyTool[] {
  const notes = ctx.memory(namespace, { schema: z.string(), share })
  const whose = share === 'tenant' ? 'everybody of this team' : 'the user'
  const recall = defineTool({
    name: 'recall',
    description: `Looks up what was remembered of ${whose} in earlier conversations. Without words it lists the newest.`,
    input: z.object({ words: z.string().max(200).optional() }),
    execute: async ({ words }) => {
      const found = await told(() =>
        notes.list({ limit: 50, ...(words === undefined ? {} : { search: words }) }),
      )
      return found.map(({ key, value, updatedAt }) => ({ key, text: value, updatedAt }))
    },
  })
  const remember = defineTool({
    name: 'remember',
    description: `Remembers something of ${whose} for later conversations, in place of what was remembered under the same key.`,
    input: z.object({ key: MemoryKey, text }),
    execute: async ({ key, text: value }) => {
      await told(() => notes.set(key, value))
      return { remembered: key }
    },
  })
  const forget = defineTool({
    name: 'forget',
    description: 'Forgets what was remembered under a key.',
    input: z.object({ key: MemoryKey }),
    execute: async ({ key }) => ({ forgotten: await told(() => notes.delete(key)) }),
  })
  return isReadOnly ? [recall] : [recall, remember, forget]
}

/** The model is told of what it can do something about, such as that there is no room. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof NonRetriableError ? new ToolError(error.message, { cause: error }) : error
  }
}
