// One client's socket, in the protocol of tRPC's WebSocket adapter, which itself asks who is calling once a call,
// knows no bounds, and sends events one by one.
import type { IncomingMessage } from 'node:http'
import { TRPCError, callTRPCProcedure } from '@trpc/server'
import type { WebSocket } from 'ws'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import type { Principal } from '../../contract/principal.ts'
import { toAgentRuntimeError, toTRPCShape } from '../errors.ts'
import type { Identify } from '../identify.ts'
import type { AgentRouter } from '../router.ts'
import type { ApiServices } from '../services.ts'
import { SUBSCRIPTION_PATH } from '../subscription.ts'
import { EventSubscription } from './event-subscription.ts'
import { parseConnectionParams, parseMessage } from './messages.ts'
import type { Call } from './messages.ts'
import type { Outlet } from './outlet.ts'
import type { TakeTurn } from './turns.ts'
import { toRequest } from './upgrade-request.ts'

interface ConnectionOptions {
  services: ApiServices
  router: AgentRouter
  identify: Identify
  takeTurn: TakeTurn
}

export interface Peer {
  client: WebSocket
  outlet: Outlet
  upgrade: IncomingMessage
}

export class Connection {
  readonly #options: ConnectionOptions
  readonly #peer: Peer
  readonly #subscriptions = new Map<number | string, EventSubscription>()
  readonly #closed = new AbortController()
  /** Who calls; undefined until the client has sent the headers it has announced. */
  #request: Request | undefined
  /** Calls that came and wait for whose they are. */
  #waiting: Call[] = []
  #isServing = false

  constructor(options: ConnectionOptions, peer: Peer) {
    this.#options = options
    this.#peer = peer
    const { upgrade, client } = peer
    const announces = new URLSearchParams(upgrade.url?.split('?', 2)[1]).get('connectionParams') === '1'
    if (!announces) this.#request = toRequest(upgrade, {})
    client.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary))
    // Without a listener an error of the connection would end the process.
    client.on('error', () => {})
    client.once('close', () => {
      this.#closed.abort()
      for (const subscription of [...this.#subscriptions.values()]) subscription.abandon()
    })
  }

  #receive(data: Buffer, isBinary: boolean): void {
    const text = data.toString()
    if (text === 'PONG') return
    if (text === 'PING') return this.#peer.outlet.send('PONG')
    try {
      if (isBinary) throw new TRPCError({ code: 'PARSE_ERROR', message: 'Messages are text, not binary.' })
      if (this.#request === undefined) {
        this.#request = toRequest(this.#peer.upgrade, parseConnectionParams(text))
        return
      }
      for (const message of parseMessage(text, this.#options.router)) {
        if (message.method !== 'subscription.stop') this.#take(message)
        else if (message.id !== null) this.#subscriptions.get(message.id)?.stop()
      }
    } catch (error) {
      this.#answer({ id: null, jsonrpc: undefined }, { error: this.#toShape(error) })
      if (this.#request === undefined) this.#peer.client.close()
      return
    }
    void this.#serve()
  }

  #take(call: Call): void {
    const { id, method, path } = call
    if (id === null) {
      const error = new TRPCError({ code: 'PARSE_ERROR', message: '`id` is required' })
      return this.#answer(call, { error: this.#toShape(error) })
    }
    if (method === 'subscription' && path === SUBSCRIPTION_PATH) {
      if (this.#subscriptions.has(id)) {
        return this.#refuse(call, new AgentRuntimeError('bad_request', `Duplicate id ${id}`))
      }
      const { services, takeTurn } = this.#options
      const { outlet } = this.#peer
      const onEnd = () => this.#subscriptions.delete(id)
      this.#subscriptions.set(id, new EventSubscription({ call, services, outlet, takeTurn, onEnd }))
    }
    this.#waiting.push(call)
  }

  /** Asks once for all that has come who is calling: anew, so that a session that has ended begins nothing. */
  async #serve(): Promise<void> {
    if (this.#isServing) return
    this.#isServing = true
    while (this.#waiting.length > 0 && this.#request !== undefined) {
      const calls = this.#waiting
      this.#waiting = []
      try {
        const principal = await this.#options.identify(this.#request)
        for (const call of calls) void this.#begin(call, principal)
      } catch (error) {
        for (const call of calls) this.#refuse(call, error)
      }
    }
    this.#isServing = false
  }

  async #begin(call: Call, principal: Principal): Promise<void> {
    const subscription = this.#subscriptionOf(call)
    if (subscription !== undefined) return subscription.open(principal)
    const { method: type, path, input, index: batchIndex } = call
    try {
      const data: unknown = await callTRPCProcedure({
        router: this.#options.router,
        path,
        type,
        ctx: { principal },
        getRawInput: async () => input,
        signal: this.#closed.signal,
        batchIndex,
      })
      this.#answer(call, { result: { type: 'data', data } })
    } catch (error) {
      this.#refuse(call, error)
    }
  }

  #refuse(call: Call, error: unknown): void {
    const subscription = this.#subscriptionOf(call)
    if (subscription !== undefined) subscription.refuse(error)
    else this.#answer(call, { error: this.#toShape(error, call.path) })
  }

  /** That a call opens; an id that is taken twice is of the first. */
  #subscriptionOf(call: Call): EventSubscription | undefined {
    const subscription = call.id === null ? undefined : this.#subscriptions.get(call.id)
    return subscription?.isOf(call) === true ? subscription : undefined
  }

  #answer({ id, jsonrpc }: Pick<Call, 'id' | 'jsonrpc'>, answer: object): void {
    this.#peer.outlet.send({ id, jsonrpc, ...answer })
  }

  #toShape(error: unknown, path?: string): object {
    return toTRPCShape(toAgentRuntimeError(error, this.#options.services.log), path)
  }
}
