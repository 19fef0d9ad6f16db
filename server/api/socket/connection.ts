// One client's socket, in the protocol of tRPC's WebSocket adapter. That adapter is not used: it
// authenticates for each call, has no bounds, and sends events one by one.
import type { IncomingMessage } from 'node:http'
import { TRPCError, callTRPCProcedure } from '@trpc/server'
import type { WebSocket } from 'ws'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import type { Principal } from '../../contract/principal.ts'
import { toAgentRuntimeError, toTRPCShape } from '../errors.ts'
import type { AgentRouter } from '../router.ts'
import type { ApiServices } from '../services.ts'
import type { SessionRequest } from '../../domain/sessions.ts'
import { isSubscriptionPath } from '../subscription-paths.ts'
import { Caller } from './caller.ts'
import type { CallerOptions } from './caller.ts'
import { Calls } from './calls.ts'
import { POLICY_VIOLATION, RECONNECT, RESTARTING, RETIRE_AFTER_MS, TRY_AGAIN_LATER } from './closing.ts'
import { EventSubscription } from './event-subscription.ts'
import { parseConnectionParams, parseMessage } from './messages.ts'
import type { Call } from './messages.ts'
import { watchOver } from './lifetime.ts'
import type { LifetimeSettings } from './lifetime.ts'
import type { Outlet } from './outlet.ts'
import { MAX_REFUSALS, isRateLimit, isRefusal, tooManySubscriptions } from './refusals.ts'
import { toRequest } from './upgrade-request.ts'
import type { InTimeSlice } from './time-slices.ts'

export interface ConnectionOptions extends CallerOptions {
  services: ApiServices
  router: AgentRouter
  inTimeSlice: InTimeSlice
  /** Largest message taken, in bytes. */
  maxBodyBytes: number
  subscriptionsPerSocket: number
  lifetime: LifetimeSettings
}

interface Peer {
  client: WebSocket
  outlet: Outlet
  upgrade: IncomingMessage
}

export class Connection {
  readonly #options: ConnectionOptions
  readonly #peer: Peer
  readonly #calls: Calls
  readonly #subscriptions = new Map<number | string, EventSubscription>()
  readonly #closed = new AbortController()
  readonly #from: SessionRequest
  /** Undefined until the client has sent the headers that it has announced. */
  #caller: Caller | undefined
  #refusals = 0

  constructor(options: ConnectionOptions, peer: Peer) {
    this.#options = options
    this.#peer = peer
    const { upgrade, client } = peer
    const { remoteAddress } = upgrade.socket
    this.#from = {
      remoteAddress,
      // Made only for the few calls that need it.
      get request() {
        return toRequest(upgrade, {}, [])
      },
    }
    this.#calls = new Calls({
      client,
      maxWaitingBytes: options.maxBodyBytes,
      identify: () => this.#identify(),
      begin: (call, principal) => this.#begin(call, principal),
      refuse: (calls, error) => this.#refuseAll(calls, error),
    })
    const announces = new URLSearchParams(upgrade.url?.split('?', 2)[1]).get('connectionParams') === '1'
    if (!announces) this.#caller = new Caller(options, upgrade, {})
    client.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary))
    // Without a listener an error of the connection would end the process.
    client.on('error', () => {})
    client.once('close', () => this.#leave())
    const watched = {
      closed: this.#closed.signal,
      isKnown: () => this.#caller?.isKnown === true,
      look: () => this.#look(),
      retire: () => void this.#retire(),
    }
    watchOver(watched, options.lifetime)
  }

  #receive(data: Buffer, isBinary: boolean): void {
    const { client, outlet, upgrade } = this.#peer
    if (!outlet.isOpen) return
    const text = data.toString()
    if (text === 'PONG') return
    if (text === 'PING') return outlet.send('PONG')
    try {
      if (isBinary) throw new TRPCError({ code: 'PARSE_ERROR', message: 'Messages are text, not binary.' })
      if (this.#caller === undefined) {
        this.#caller = new Caller(this.#options, upgrade, parseConnectionParams(text))
        return
      }
      const calls = parseMessage(text, this.#options.router).flatMap((message) => {
        if (message.method !== 'subscription.stop') return this.#isTaken(message) ? message : []
        if (message.id !== null) this.#subscriptions.get(message.id)?.stop()
        return []
      })
      this.#calls.add(calls, data.length)
    } catch (error) {
      this.#answer({ id: null, jsonrpc: undefined }, { error: toTRPCShape(this.#toKnown(error)) })
      if (this.#caller === undefined) client.close()
      else if (error instanceof AgentRuntimeError) client.close(POLICY_VIOLATION, error.code)
    }
  }

  /** Whether the call may go on. If not, it was answered with an error. */
  #isTaken(call: Call): boolean {
    const { id, method, path } = call
    if (id === null) {
      const error = new TRPCError({ code: 'PARSE_ERROR', message: '`id` is required' })
      this.#answer(call, { error: toTRPCShape(this.#toKnown(error)) })
      return false
    }
    if (method !== 'subscription' || !isSubscriptionPath(path)) return true
    const { services, inTimeSlice, subscriptionsPerSocket } = this.#options
    if (this.#subscriptions.has(id)) {
      this.#refuse(call, new AgentRuntimeError('bad_request', `Duplicate id ${id}`))
      return false
    }
    if (this.#subscriptions.size >= subscriptionsPerSocket) {
      const error = tooManySubscriptions(subscriptionsPerSocket)
      this.#caller?.noteRefusal(error)
      this.#refuse(call, error)
      return false
    }
    const { outlet } = this.#peer
    const onEnd = () => this.#subscriptions.delete(id)
    this.#subscriptions.set(id, new EventSubscription({ call, path, services, outlet, inTimeSlice, onEnd }))
    return true
  }

  async #identify(): Promise<Principal> {
    if (this.#caller === undefined)
      throw new AgentRuntimeError('unauthorized', 'The context has no principal.')
    return this.#caller.identify()
  }

  async #begin(call: Call, principal: Principal): Promise<void> {
    const subscription = this.#subscriptionOf(call)
    if (subscription !== undefined) return subscription.open(principal)
    // The connection is closed: nobody would read the answer, and its subscriptions are over.
    if (!this.#peer.outlet.isOpen) return
    const { method: type, path, input, index: batchIndex } = call
    try {
      const data: unknown = await callTRPCProcedure({
        router: this.#options.router,
        path,
        type,
        ctx: { principal, from: this.#from },
        getRawInput: async () => input,
        signal: this.#closed.signal,
        batchIndex,
      })
      this.#answer(call, { result: { type: 'data', data } })
      await this.#untilDrained()
    } catch (error) {
      this.#refuse(call, error)
    }
  }

  /** Answers a client only while it reads. Waiting calls go on when it has read. */
  async #untilDrained(): Promise<void> {
    const { outlet } = this.#peer
    if (!outlet.hasRoom) await new Promise<void>((resolve) => outlet.whenRoom(resolve))
  }

  #refuseAll(calls: readonly Call[], error: unknown): void {
    for (const call of calls) this.#refuse(call, error)
    this.#refusals += 1
    if (!isRefusal(error) || this.#refusals >= MAX_REFUSALS) this.#closeFor(error)
  }

  /** Whether the connection goes on. It does if `authenticate` fails to answer. */
  async #look(): Promise<boolean> {
    try {
      const principal = await this.#identify()
      await Promise.all(
        [...this.#subscriptions.values()].map((subscription) => subscription.confirm(principal)),
      )
      return true
    } catch (error) {
      const known = toAgentRuntimeError(error, this.#options.services.log)
      if (isRefusal(known))
        for (const subscription of [...this.#subscriptions.values()]) subscription.fail(known)
      return !this.#closeFor(known)
    }
  }

  /** Whether it has been. */
  #closeFor(error: unknown): boolean {
    const { client } = this.#peer
    if (isRefusal(error)) client.close(POLICY_VIOLATION, error.code)
    // The principal has all the sockets that it may have. A connection that was already accepted only waits,
    // and keeps its streams.
    else if (this.#caller?.isKnown === false && isRateLimit(error))
      client.close(TRY_AGAIN_LATER, 'rate_limited')
    else return false
    return true
  }

  async #retire(): Promise<void> {
    const { client, outlet } = this.#peer
    outlet.send(RECONNECT)
    await this.#options.lifetime.clock.sleep(RETIRE_AFTER_MS, this.#closed.signal)
    client.close(RESTARTING)
  }

  #refuse(call: Call, error: unknown): void {
    const known = this.#toKnown(error)
    const subscription = this.#subscriptionOf(call)
    if (subscription !== undefined) subscription.refuse(known)
    else this.#answer(call, { error: toTRPCShape(known, call.path) })
  }

  /** A client that is refused again and again is read from later. */
  #toKnown(error: unknown): AgentRuntimeError {
    const known = toAgentRuntimeError(error, this.#options.services.log)
    const { client } = this.#peer
    const waited = known.status < 500 ? this.#caller?.countRefusal() : undefined
    if (waited !== undefined && !client.isPaused) {
      client.pause()
      void waited.then(() => client.resume())
    }
    return known
  }

  /** Subscriptions that calls have opened. If an id is used twice, it stays with the first one. */
  #subscriptionOf(call: Call): EventSubscription | undefined {
    const subscription = call.id === null ? undefined : this.#subscriptions.get(call.id)
    return subscription?.isOf(call) === true ? subscription : undefined
  }

  #answer({ id, jsonrpc }: Pick<Call, 'id' | 'jsonrpc'>, answer: object): void {
    this.#peer.outlet.send({ id, jsonrpc, ...answer })
  }

  #leave(): void {
    this.#closed.abort()
    this.#caller?.[Symbol.dispose]()
    for (const subscription of [...this.#subscriptions.values()]) subscription.abandon()
  }
}
