import type { TRPCClient } from '@trpc/client'
import type { AgentRouter } from '../server/api/router.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { AgentClient } from './agent-client.ts'
import { createRunHandle } from './run-handle.ts'
import type { AnyRunHandle, RunHandleDependencies } from './run-handle.ts'
import { ask } from './ask.ts'

export function createSchedules<TShape extends AgentShape>(
  { schedules }: TRPCClient<AgentRouter>,
  dependencies: RunHandleDependencies,
): AgentClient<TShape>['schedules'] {
  return {
    create: (input, options) =>
      // On the wire, the params of an agent are plain JSON.
      ask(schedules.create.mutate, input as Parameters<typeof schedules.create.mutate>[0], options),
    get: (scheduleId, options) => ask(schedules.get.query, { scheduleId }, options),
    list: (input = {}, options) => ask(schedules.list.query, input, options),
    pause: (scheduleId, options) => ask(schedules.pause.mutate, { scheduleId }, options),
    resume: (scheduleId, options) => ask(schedules.resume.mutate, { scheduleId }, options),
    async runNow(scheduleId, options = {}) {
      const run = await ask(schedules.runNow.mutate, { scheduleId }, options)
      return createRunHandle(dependencies, run) as AnyRunHandle<TShape>
    },
    delete: (scheduleId, options) => ask(schedules.delete.mutate, { scheduleId }, options),
  }
}
