import type { z } from 'zod'
import type { JsonLike } from '../contract/json.ts'
import type { Schema } from '../contract/schema.ts'

export interface WaitOptions {
  /** Told to whoever answers: a question, a form's texts. Must be JSON. */
  details?: JsonLike
}

/** A wait that was answered. `respondedBy` is the id of the principal who did. */
export interface Answered<T> {
  readonly status: 'answered'
  readonly value: T
  readonly respondedBy: string | null
}

export type WaitOutcome<T> = Answered<T> | { readonly status: 'timed_out' }

/** What an agent waits for: by name, the schema of the answer. */
export type AgentWaits = Record<string, Schema>

type NoLimit = WaitOptions & { timeoutMs?: undefined }
type Limit = WaitOptions & { timeoutMs: number }

/** `ctx.wait`: of an agent that declares its waits by their names, of any other by a name and a schema. */
export type Wait<TWaits extends AgentWaits | undefined> = TWaits extends AgentWaits
  ? {
      <TName extends keyof TWaits & string>(
        name: TName,
        options?: NoLimit,
      ): Promise<Answered<z.output<TWaits[TName]>>>
      <TName extends keyof TWaits & string>(
        name: TName,
        options: Limit,
      ): Promise<WaitOutcome<z.output<TWaits[TName]>>>
    }
  : {
      <TSchema extends Schema>(
        name: string,
        schema: TSchema,
        options?: NoLimit,
      ): Promise<Answered<z.output<TSchema>>>
      <TSchema extends Schema>(
        name: string,
        schema: TSchema,
        options: Limit,
      ): Promise<WaitOutcome<z.output<TSchema>>>
    }

export interface ApproveOptions extends WaitOptions {
  /** Milliseconds after which the approval can neither be given nor used any more. Default: 24 hours. */
  timeoutMs?: number
}

/** What became of a request to let something happen. */
export type Approval =
  | { readonly approved: true; readonly comment: string | null; readonly respondedBy: string | null }
  | {
      readonly approved: false
      readonly reason: 'denied'
      readonly comment: string | null
      readonly respondedBy: string | null
    }
  | { readonly approved: false; readonly reason: 'timed_out'; readonly comment: null }
