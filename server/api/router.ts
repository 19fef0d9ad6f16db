import { initTRPC, tracked } from '@trpc/server'
import { z } from 'zod'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { AgentShape } from '../contract/agent-shape.ts'
import type { CreateRun, EventOf } from '../contract/agent-types.ts'
import {
  CreateConversationInput,
  GetConversationInput,
  ListConversationsInput,
} from '../contract/conversation.ts'
import { parsePrincipal } from '../contract/principal.ts'
import { CreateRunInput, ListRunsInput, RespondInput, RunRef } from '../contract/run.ts'
import { toAgentRuntimeError, toTRPCError, toTRPCShape } from './errors.ts'
import { EventsInput, followEvents, stopped } from './follow-events.ts'
import type { ApiContext, ApiServices } from './services.ts'
import { isAsyncIterable, paced } from './socket/paced.ts'
import { toClientOptions } from './subscription.ts'

/**
 * The tRPC router. Its types know the agents: a wrong key or param is a compile error at the caller.
 */
export function createRouter<TShape extends AgentShape>(services: ApiServices) {
  const { runs, conversations, log } = services

  const t = initTRPC.context<ApiContext>().create({
    sse: {
      ping: { enabled: true, intervalMs: services.streamKeepAliveMs },
      client: toClientOptions(services.streamKeepAliveMs),
    },
    errorFormatter: ({ error, path }) => toTRPCShape(toAgentRuntimeError(error, log), path),
  })

  const reporting = t.procedure.use(async ({ next }) => {
    const result = await next()
    if (!result.ok && result.error.cause instanceof AgentRuntimeError) throw toTRPCError(result.error.cause)
    return result
  })

  const procedure = reporting.use(async ({ ctx, next }) => {
    const principal = parsePrincipal(
      typeof ctx.principal === 'function' ? await ctx.principal() : ctx.principal,
    )
    const result = await next({ ctx: { principal } })
    if (!result.ok || ctx.drained === undefined || !isAsyncIterable(result.data)) return result
    return { ...result, data: paced(result.data, ctx.drained) }
  })

  return t.router({
    runs: t.router({
      create: procedure
        .input(CreateRunInput as unknown as z.ZodType<CreateRunInput, CreateRun<TShape>>)
        .mutation(async ({ ctx, input }) => (await runs.create(ctx.principal, input)).run),
      get: procedure.input(RunRef).query(({ ctx, input }) => runs.get(ctx.principal, input.runId)),
      list: procedure.input(ListRunsInput).query(({ ctx, input }) => runs.list(ctx.principal, input)),
      cancel: procedure.input(RunRef).mutation(({ ctx, input }) => runs.cancel(ctx.principal, input.runId)),
      respond: procedure.input(RespondInput).mutation(({ ctx, input }) => runs.respond(ctx.principal, input)),
      events: procedure.input(EventsInput).subscription(async function* ({ ctx, input, signal }) {
        const batches = await followEvents(services, { principal: ctx.principal, input, signal }).catch(
          (error: unknown) => {
            throw error instanceof AgentRuntimeError ? toTRPCError(error) : error
          },
        )
        for await (const batch of batches) {
          for (const event of batch) yield tracked(String(event.seq), event as EventOf<TShape>)
        }
        if (services.stopping.aborted) throw toTRPCError(stopped())
      }),
    }),
    conversations: t.router({
      create: procedure
        .input(CreateConversationInput)
        .mutation(({ ctx, input }) => conversations.create(ctx.principal, input)),
      get: procedure
        .input(GetConversationInput)
        .query(({ ctx, input }) => conversations.get(ctx.principal, input)),
      list: procedure
        .input(ListConversationsInput)
        .query(({ ctx, input }) => conversations.list(ctx.principal, input)),
    }),
  })
}

/** The router of a runtime with these agents. */
export type AgentRouter<TShape extends AgentShape = AgentShape> = ReturnType<typeof createRouter<TShape>>
