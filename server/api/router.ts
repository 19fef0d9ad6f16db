import { initTRPC } from '@trpc/server'
import type { TRPCMutationProcedure } from '@trpc/server'
import type { z } from 'zod'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { AgentShape } from '../contract/agent-shape.ts'
import type {
  CreateRun,
  CreateSchedule,
  RoutedConversationEventOf,
  RoutedEventOf,
} from '../contract/agent-types.ts'
import type { Respond } from '../contract/wait-types.ts'
import {
  CreateConversationInput,
  ConversationRef,
  ForkConversationInput,
  GetConversationInput,
  ListConversationsInput,
  SelectMessageInput,
  UpdateConversationInput,
} from '../contract/conversation.ts'
import { FileRef, ListFilesInput } from '../contract/file.ts'
import { parseInput } from '../contract/parse-input.ts'
import { parsePrincipal } from '../contract/principal.ts'
import { MoveTurnInput } from '../contract/queued-turn.ts'
import { CreateRunInput } from '../contract/create-run.ts'
import { ListRunsInput, RespondInput, RunRef } from '../contract/run.ts'
import { SendInput } from '../contract/sent-message.ts'
import { ListMemoriesInput, MemoryRef } from '../contract/memory.ts'
import { CreateScheduleInput, ListSchedulesInput, ScheduleRef } from '../contract/schedule.ts'
import { ClaimInput } from '../contract/session.ts'
import { ConversationTicketInput, TicketInput } from '../contract/ticket.ts'
import { DeliveryRef, ListDeliveriesInput, ListWebhooksInput } from '../contract/webhook-delivery.ts'
import type { CreateRunAnswer } from '../contract/create-run.ts'
import type { Run } from '../contract/run.ts'
import type { StoredSchedule } from '../contract/schedule.ts'
import type { NewlyCreated } from '../domain/create-run.ts'
import { toAgentRuntimeError, toTRPCError, toTRPCShape } from './errors.ts'
import { EventsInput, FollowConversationInput } from './follow-events.ts'
import { createStreamed } from './streamed.ts'
import type { ApiContext, ApiServices } from './services.ts'
import { toClientOptions } from './subscription.ts'

/** A procedure's input, only as a type: the use case parses it, for every transport. */
function takes<T extends z.ZodType>(_schema: T): (input: unknown) => z.input<T> {
  return (input) => input as z.input<T>
}

/**
 * A mutation whose input depends on the agents. tRPC's own inference compares each agent's input with every
 * other one's; with 100 agents this took most of the compiler's time.
 */
type Mutation<TInput, TOutput> = TRPCMutationProcedure<{ input: TInput; output: TOutput; meta: object }>

function toStarted({ run, sentMessageIds }: NewlyCreated): CreateRunAnswer {
  return sentMessageIds.length === 0 ? run : { ...run, sentMessageIds }
}

const toRunRef = (input: unknown) => parseInput(RunRef, input)

/**
 * The tRPC router. Its types know the agents: a wrong key or param is a compile error at the caller.
 */
// oxlint-disable-next-line max-lines-per-function -- A list of procedures.
export function createRouter<TShape extends AgentShape>(services: ApiServices) {
  const { runs, agents, conversations, files, schedules, memories, webhooks, sessions, log } = services

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
    const principal = typeof ctx.principal === 'function' ? await ctx.principal() : ctx.principal
    return next({ ctx: { principal: parsePrincipal(principal) } })
  })

  const streamed = createStreamed(services)

  return t.router({
    runs: t.router({
      create: procedure
        .input(takes(CreateRunInput))
        .mutation(async ({ ctx, input }) => toStarted(await runs.create(ctx.principal, input))) as Mutation<
        CreateRun<TShape>,
        CreateRunAnswer
      >,
      get: procedure.input(toRunRef).query(({ ctx, input }) => runs.get(ctx.principal, input.runId)),
      inspect: procedure.input(toRunRef).query(({ ctx, input }) => runs.inspect(ctx.principal, input.runId)),
      list: procedure.input(takes(ListRunsInput)).query(({ ctx, input }) => runs.list(ctx.principal, input)),
      cancel: procedure.input(toRunRef).mutation(({ ctx, input }) => runs.cancel(ctx.principal, input.runId)),
      delete: procedure.input(toRunRef).mutation(({ ctx, input }) => runs.delete(ctx.principal, input.runId)),
      respond: procedure
        .input(takes(RespondInput))
        .mutation(({ ctx, input }) => runs.respond(ctx.principal, input)) as Mutation<Respond<TShape>, Run>,
      send: procedure.input(takes(SendInput)).mutation(({ ctx, input }) => runs.send(ctx.principal, input)),
      ticket: procedure
        .input(takes(TicketInput))
        .mutation(({ ctx, input }) => runs.ticket(ctx.principal, input)),
      events: procedure
        .input(takes(EventsInput))
        .subscription((request) => streamed<RoutedEventOf<TShape>>('runs.events', request)),
    }),
    agents: t.router({
      list: procedure.query(({ ctx }) => agents.list(ctx.principal)),
    }),
    conversations: t.router({
      create: procedure
        .input(takes(CreateConversationInput))
        .mutation(({ ctx, input }) => conversations.create(ctx.principal, input)),
      update: procedure
        .input(takes(UpdateConversationInput))
        .mutation(({ ctx, input }) => conversations.update(ctx.principal, input)),
      delete: procedure
        .input(takes(ConversationRef))
        .mutation(({ ctx, input }) => conversations.delete(ctx.principal, input.conversationId)),
      get: procedure
        .input(takes(GetConversationInput))
        .query(({ ctx, input }) => conversations.get(ctx.principal, input)),
      select: procedure
        .input(takes(SelectMessageInput))
        .mutation(({ ctx, input }) => conversations.select(ctx.principal, input)),
      fork: procedure
        .input(takes(ForkConversationInput))
        .mutation(({ ctx, input }) => conversations.fork(ctx.principal, input)),
      list: procedure
        .input(takes(ListConversationsInput))
        .query(({ ctx, input }) => conversations.list(ctx.principal, input)),
      queue: procedure
        .input(takes(ConversationRef))
        .query(({ ctx, input }) => conversations.queue(ctx.principal, input.conversationId)),
      move: procedure
        .input(takes(MoveTurnInput))
        .mutation(({ ctx, input }) => conversations.move(ctx.principal, input)),
      ticket: procedure
        .input(takes(ConversationTicketInput))
        .mutation(({ ctx, input }) => conversations.ticket(ctx.principal, input)),
      events: procedure
        .input(takes(FollowConversationInput))
        .subscription((request) =>
          streamed<RoutedConversationEventOf<TShape>>('conversations.events', request),
        ),
    }),
    /** The contents of files use routes of the handler, `/files` beside the procedures. */
    files: t.router({
      get: procedure.input(takes(FileRef)).query(({ ctx, input }) => files.get(ctx.principal, input.fileId)),
      list: procedure
        .input(takes(ListFilesInput))
        .query(({ ctx, input }) => files.list(ctx.principal, input)),
      delete: procedure
        .input(takes(FileRef))
        .mutation(({ ctx, input }) => files.delete(ctx.principal, input.fileId)),
    }),
    schedules: t.router({
      create: procedure
        .input(takes(CreateScheduleInput))
        .mutation(({ ctx, input }) => schedules.create(ctx.principal, input)) as Mutation<
        CreateSchedule<TShape>,
        StoredSchedule
      >,
      get: procedure
        .input(takes(ScheduleRef))
        .query(({ ctx, input }) => schedules.get(ctx.principal, input.scheduleId)),
      list: procedure
        .input(takes(ListSchedulesInput))
        .query(({ ctx, input }) => schedules.list(ctx.principal, input)),
      pause: procedure
        .input(takes(ScheduleRef))
        .mutation(({ ctx, input }) => schedules.pause(ctx.principal, input.scheduleId)),
      resume: procedure
        .input(takes(ScheduleRef))
        .mutation(({ ctx, input }) => schedules.resume(ctx.principal, input.scheduleId)),
      runNow: procedure
        .input(takes(ScheduleRef))
        .mutation(({ ctx, input }) => schedules.runNow(ctx.principal, input.scheduleId)),
      delete: procedure
        .input(takes(ScheduleRef))
        .mutation(({ ctx, input }) => schedules.delete(ctx.principal, input.scheduleId)),
    }),
    memories: t.router({
      get: procedure
        .input(takes(MemoryRef))
        .query(({ ctx, input }) => memories.get(ctx.principal, input.memoryId)),
      list: procedure
        .input(takes(ListMemoriesInput))
        .query(({ ctx, input }) => memories.list(ctx.principal, input)),
      delete: procedure
        .input(takes(MemoryRef))
        .mutation(({ ctx, input }) => memories.delete(ctx.principal, input.memoryId)),
    }),
    /** Webhooks of callers, which they give with a run or a conversation. */
    webhooks: t.router({
      list: procedure
        .input(takes(ListWebhooksInput))
        .query(({ ctx, input }) => webhooks.list(ctx.principal, input)),
      deliveries: procedure
        .input(takes(ListDeliveriesInput))
        .query(({ ctx, input }) => webhooks.deliveries(ctx.principal, input)),
      delivery: procedure
        .input(takes(DeliveryRef))
        .query(({ ctx, input }) => webhooks.delivery(ctx.principal, input.deliveryId)),
      redeliver: procedure
        .input(takes(DeliveryRef))
        .mutation(({ ctx, input }) => webhooks.redeliver(ctx.principal, input.deliveryId)),
    }),
    sessions: t.router({
      /** Needs no authentication: it makes the caller a visitor. */
      createAnonymous: reporting.mutation(({ ctx }) => sessions.create(ctx.from)),
      claim: procedure
        .input((input: unknown) => parseInput(ClaimInput, input))
        .mutation(({ ctx, input }) => sessions.claim(ctx.principal, input.token)),
    }),
  })
}

/** The router of a runtime with these agents. */
export type AgentRouter<TShape extends AgentShape = AgentShape> = ReturnType<typeof createRouter<TShape>>
