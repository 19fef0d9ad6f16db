import type { TRPCClient } from '@trpc/client'
import type { AgentRouter } from '../server/api/router.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { AgentClient } from './agent-client.ts'
import { createRunHandle } from './run-handle.ts'
import type { AnyRunHandle, RunHandleDependencies } from './run-handle.ts'
import { call } from './trpc-transport.ts'

export function createSchedules<TShape extends AgentShape>(
  { schedules }: TRPCClient<AgentRouter>,
  dependencies: RunHandleDependencies,
): AgentClient<TShape>['schedules'] {
  return {
    create: (input, options = {}) =>
      // To the wire, params of an agent's schema are JSON and no more than that.
      call(
        schedules.create.mutate(input as Parameters<typeof schedules.create.mutate>[0], options),
        options.signal,
      ),
    get: (scheduleId, options = {}) => call(schedules.get.query({ scheduleId }, options), options.signal),
    list: (input = {}, options = {}) => call(schedules.list.query(input, options), options.signal),
    pause: (scheduleId, options = {}) =>
      call(schedules.pause.mutate({ scheduleId }, options), options.signal),
    resume: (scheduleId, options = {}) =>
      call(schedules.resume.mutate({ scheduleId }, options), options.signal),
    async runNow(scheduleId, options = {}) {
      const run = await call(schedules.runNow.mutate({ scheduleId }, options), options.signal)
      return createRunHandle(dependencies, run) as AnyRunHandle<TShape>
    },
    delete: (scheduleId, options = {}) =>
      call(schedules.delete.mutate({ scheduleId }, options), options.signal),
  }
}
