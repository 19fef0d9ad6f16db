// Visitors without an account: how they get a session, and how a user takes over their runs.
import { createHash, randomBytes } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { parseInput } from '../contract/parse-input.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import { ClaimInput, SessionToken } from '../contract/session.ts'
import type { AnonymousSession, Claimed } from '../contract/session.ts'
import type { AnonymousSessionStore, KeptSession } from '../ports/anonymous-sessions.ts'
import type { Logger } from '../ports/logger.ts'
import { ownerOf } from '../ports/owner.ts'
import type { SessionStore, Visitor } from '../ports/store/session-store.ts'
import { createNetworkOf } from '../config/networks.ts'

/** Options of anonymous sessions. */
export interface AnonymousSessions {
  /** The tenant of a visitor, from the request for the session. Default: `''`. */
  tenantOf?: (request: Request) => string | Promise<string>
  /** Where tokens are stored. Default: in a table of the runtime. */
  store?: AnonymousSessionStore
}

/** The origin of a request for a session. */
export interface SessionRequest {
  /** The HTTP request. Undefined when code on the server asks. */
  request?: Request | undefined
  /** IP address of the request's socket. All requests without a known address share one limit. */
  remoteAddress?: string | undefined
}

export interface Sessions {
  /**
   * Lets in a visitor without an account.
   *
   * @throws AgentRuntimeError `rate_limited` when that network got too many sessions lately, `not_found` without
   * `anonymousSessions`.
   */
  create(from?: SessionRequest): Promise<AnonymousSession>
  /**
   * The visitor with this token; null when there is none, or the session has expired or was claimed. For use in your
   * own `authenticate`.
   */
  find(token: string): Promise<Principal | null>
  /**
   * Moves everything that a visitor has to a user, and ends the session, in one transaction. A session can be claimed
   * once.
   *
   * @throws AgentRuntimeError `not_found` when there is no such session or it has expired, `conflict` when it was
   * claimed before, `forbidden` when the caller is not a user.
   * @example
   * const { conversations, runs } = await runtime.sessions.claim({ id: user.id, tenantId: '', kind: 'user' }, token)
   */
  claim(principal: Principal, token: string): Promise<Claimed>
}

interface SessionSettings {
  lifetimeMs: number
  /** Whether a session that is used lasts longer. */
  isRenewing: boolean
  /** Sessions for one network within {@link ADDRESS_WINDOW_MS}; false: any number. */
  perAddress: number | false
  trustedProxies: readonly string[]
}

const TOKEN_BYTES = 32
const TOKEN = /^[\w-]{43}$/
/** The period in which the sessions of one network are counted. */
export const ADDRESS_WINDOW_MS = 3_600_000

/** @param options false: there are no anonymous sessions */
// oxlint-disable-next-line max-lines-per-function -- A list of use cases, closures over the same ports.
export function createSessions(
  { store, log }: { store: SessionStore; log: Logger },
  settings: SessionSettings,
  options: AnonymousSessions | false,
): Sessions {
  const { lifetimeMs, isRenewing, perAddress, trustedProxies } = settings
  const networkOf = createNetworkOf(trustedProxies)
  const keeper = options === false ? undefined : options.store
  let hasWarned = false

  function boundOf({ request, remoteAddress }: SessionRequest) {
    if (perAddress === false) return null
    const forwardedFor = request?.headers.get('x-forwarded-for')
    const network = networkOf({ remoteAddress, forwardedFor })
    if (network === undefined && !hasWarned) {
      hasWarned = true
      log.warn({}, ADDRESS_UNKNOWN)
    }
    return { addressHash: hash(network ?? ''), max: perAddress, windowMs: ADDRESS_WINDOW_MS }
  }

  async function tenantOf(request: Request | undefined): Promise<string> {
    if (options === false || options.tenantOf === undefined) return ''
    if (request === undefined)
      throw new TypeError('anonymousSessions.tenantOf needs the request for a session.')
    return options.tenantOf(request)
  }

  /** The session that the application stores, unless it has expired. */
  async function keptBy(keeper: AnonymousSessionStore, token: string): Promise<KeptSession | null> {
    const kept: Partial<KeptSession> | null | undefined = await keeper.find(token)
    if (kept === null || kept === undefined) return null
    if (!(kept.expiresAt instanceof Date)) {
      log.error({}, 'anonymousSessions.store.find answered with an invalid session, which is refused')
      return null
    }
    return kept.expiresAt.getTime() > Date.now() ? (kept as KeptSession) : null
  }

  async function findKept(keeper: AnonymousSessionStore, token: string): Promise<Visitor | null> {
    const kept = await keptBy(keeper, token)
    if (kept === null) return null
    const visitor = visitorOf(kept)
    return (await store.meetSession({ visitor, expiresAt: kept.expiresAt })) ? visitor : null
  }

  async function findOwn(token: string): Promise<Visitor | null> {
    if (!TOKEN.test(token)) return null
    const found = await store.findSession(hash(token))
    if (found === null) return null
    if (isRenewing && found.remainingMs < lifetimeMs / 2) await store.renewSession(hash(token), lifetimeMs)
    return found.visitor
  }

  return {
    async create(from = {}) {
      if (options === false) throw switchedOff()
      const id = uuidv7()
      const token = randomBytes(TOKEN_BYTES).toString('base64url')
      const visitor = visitorOf({ id, tenantId: await tenantOf(from.request) })
      const created = await store.createSession(
        { visitor, tokenHash: keeper === undefined ? hash(token) : null, lifetimeMs },
        boundOf(from),
      )
      if (created.kind === 'too-many') {
        const retryAfterSeconds = Math.max(1, Math.ceil(created.retryAfterSeconds))
        log.info({ retryAfterSeconds }, 'refused an anonymous session: too many from one address')
        throw new AgentRuntimeError('rate_limited', TOO_MANY, { details: { retryAfterSeconds } })
      }
      const { expiresAt } = created
      await keeper?.create({ ...visitor, token, expiresAt, request: from.request })
      return { token, expiresAt: expiresAt.toISOString() }
    },

    async find(token) {
      if (options === false || !SessionToken.safeParse(token).success) return null
      const visitor = await (keeper === undefined ? findOwn(token) : findKept(keeper, token))
      return visitor && parsePrincipal({ ...visitor, kind: 'anonymous' })
    },

    async claim(principal, given) {
      const user = parsePrincipal(principal)
      if (options === false) throw switchedOff()
      const { token } = parseInput(ClaimInput, { token: given })
      if (user.kind !== 'user')
        throw new AgentRuntimeError('forbidden', 'Sign in to claim an anonymous session.')
      const kept = keeper && (await keptBy(keeper, token))
      if (kept === null) throw noSuchSession()
      const visitor = kept && visitorOf(kept)
      if (kept && visitor) await store.meetSession({ visitor, expiresAt: kept.expiresAt })
      const outcome = await store.claimSession(
        visitor ? { visitor } : { tokenHash: hash(token) },
        ownerOf(user),
      )
      if (outcome.kind === 'none') throw noSuchSession()
      if (outcome.kind === 'claimed-before') {
        throw new AgentRuntimeError('conflict', 'The anonymous session was claimed before.')
      }
      const { kind: _, ...claimed } = outcome
      log.info({ by: ownerOf(user), ...claimed }, 'an anonymous session was claimed')
      if (keeper && visitor) {
        // The session is over even if the application's function fails.
        await keeper
          .end(visitor)
          .catch((error: unknown) => log.error({ err: error }, 'ending a session failed'))
      }
      return claimed
    },
  }
}

function visitorOf({ id, tenantId = '' }: Pick<KeptSession, 'id' | 'tenantId'>): Visitor {
  const principal = parsePrincipal({ id, tenantId, kind: 'anonymous' })
  return { id: principal.id, tenantId: principal.tenantId }
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

const TOO_MANY = 'Too many visitors came from your network lately. Try again later.'

const ADDRESS_UNKNOWN =
  'The address of visitors is not known, so all share one limit of anonymous sessions. Pass the address: runtime.handler(request, { remoteAddress })'

function switchedOff(): AgentRuntimeError {
  return new AgentRuntimeError('not_found', 'There are no anonymous sessions here.')
}

function noSuchSession(): AgentRuntimeError {
  return new AgentRuntimeError('not_found', 'There is no such anonymous session, or it has expired.')
}
