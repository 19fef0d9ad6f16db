// Settings in code have typed values. Only environment variables are text.
import { describe, expectTypeOf, it } from 'vitest'
import { createAgentRuntime, defineAgent } from '../../server/index.ts'
import type { Settings } from '../../server/index.ts'

const agents = [defineAgent({ key: 'a', run: async () => {} })] as const

describe('settings', () => {
  it('are of the types of their values', () => {
    expectTypeOf<Settings['maxAttempts']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<Settings['debugMode']>().toEqualTypeOf<boolean | undefined>()
    expectTypeOf<Settings['compactAfterSeconds']>().toEqualTypeOf<number | false | undefined>()
    expectTypeOf<Settings['allowedOrigins']>().toEqualTypeOf<string[] | undefined>()
    createAgentRuntime({ agents, config: { maxAttempts: 3, eventVisibility: { 'tool.call': 'user' } } })
  })

  it('of other types, or that there are not, do not compile', () => {
    expectTypeOf<{ maxAttempts: '3' }>().not.toExtend<Settings>()
    // @ts-expect-error -- A number.
    createAgentRuntime({ agents, config: { maxAttempts: '3' } })
    // @ts-expect-error -- A list.
    createAgentRuntime({ agents, config: { allowedOrigins: 'https://example.com' } })
    // @ts-expect-error -- No such visibility.
    createAgentRuntime({ agents, config: { eventVisibility: { 'tool.call': 'everybody' } } })
    // @ts-expect-error -- No such setting.
    createAgentRuntime({ agents, config: { maxAttempt: 3 } })
  })
})
