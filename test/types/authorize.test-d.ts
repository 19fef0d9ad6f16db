// The action tells `authorize` the type of the resource.
import { describe, expectTypeOf, it } from 'vitest'
import { createAgentRuntime, ownersOnly } from '../../server/index.ts'
import type {
  ActionResources,
  Authorize,
  ConversationSummary,
  RunSummary,
  ScheduleSummary,
  WaitKind,
} from '../../server/index.ts'

describe('authorize', () => {
  it('has a resource that narrows with the action', () => {
    const authorize: Authorize = (principal, action, resource) => {
      switch (action) {
        case 'read':
          expectTypeOf(resource.kind).toEqualTypeOf<
            'run' | 'conversation' | 'file' | 'schedule' | 'memory' | 'webhook'
          >()
          // @ts-expect-error what is read is not at hand: the answer bounds the query
          void resource.run
          return 'tenant'
        case 'create':
          expectTypeOf(resource.agentKey).toEqualTypeOf<string | null>()
          if (resource.kind === 'run') expectTypeOf(resource.agentKey).toEqualTypeOf<string>()
          // @ts-expect-error there is no run yet
          void resource.run
          return true
        case 'respond':
          expectTypeOf(resource.run).toEqualTypeOf<RunSummary>()
          expectTypeOf(resource.wait.kind).toEqualTypeOf<WaitKind>()
          return resource.run.owner.tenantId === principal.tenantId
        case 'delete':
          return resource.kind === 'run' ? resource.run.owner.id === principal.id : false
        case 'update':
          if (resource.kind === 'conversation') {
            expectTypeOf(resource.conversation).toEqualTypeOf<ConversationSummary>()
          } else if (resource.kind === 'schedule') {
            expectTypeOf(resource.schedule).toEqualTypeOf<ScheduleSummary>()
          }
          return true
        case 'listAgents':
          expectTypeOf(resource).toEqualTypeOf<{ agentKey: string }>()
          return true
        case 'cancel':
        case 'send':
        case 'includeDebug':
        case 'includeAll':
        case 'inspect':
          // @ts-expect-error no wait is asked about
          void resource.wait
          return resource.run.owner.id === principal.id
      }
    }
    expectTypeOf(authorize).toBeFunction()
  })

  it('hands on what it does not decide itself', () => {
    const authorize: Authorize = (...asked) => {
      const [, action, resource] = asked
      if (action === 'respond') return resource.wait.kind === 'approval'
      return ownersOnly(...asked)
    }
    expectTypeOf(createAgentRuntime({ agents: [], authorize })).toBeObject()
  })

  it('answers how far, or whether', () => {
    createAgentRuntime({ agents: [], authorize: async (...asked) => (asked[1] === 'read' ? 'any' : false) })
    expectTypeOf(createAgentRuntime({ agents: [], authorize: () => 'tenant' })).toBeObject()
    createAgentRuntime({
      agents: [],
      authorize: (principal, action) => action === 'read' && principal.id === 'a',
    })
    createAgentRuntime({ agents: [], authorize: async (_, action) => (action === 'read' ? 'own' : true) })
    createAgentRuntime({ agents: [], authorize: (principal) => principal.kind === 'user' })
    // @ts-expect-error no action is called that
    createAgentRuntime({ agents: [], authorize: (_, action) => action === 'write' })
    // @ts-expect-error not every resource has a run
    createAgentRuntime({ agents: [], authorize: (_, __, resource) => resource.run.id === '' })
    // @ts-expect-error no scope is called that
    createAgentRuntime({ agents: [], authorize: () => 'ANY' })
    // @ts-expect-error no answer is none
    createAgentRuntime({ agents: [], authorize: () => undefined })
    // @ts-expect-error no action is called that
    createAgentRuntime({ agents: [], authorize: (...asked) => asked[1] === 'write' })
  })

  it('knows these actions', () => {
    expectTypeOf<keyof ActionResources>().toEqualTypeOf<
      | 'create'
      | 'read'
      | 'update'
      | 'delete'
      | 'cancel'
      | 'respond'
      | 'send'
      | 'includeDebug'
      | 'includeAll'
      | 'inspect'
      | 'listAgents'
    >()
  })
})
