// A visitor without an account. The page keeps the token of an anonymous session, and asks for a session when it is refused.
import type { HeadersOption } from './links.ts'
import { resolveHeaders } from './links.ts'

export interface AnonymousOptions {
  /** Where the token stays between visits. Default: `localStorage`. Without one, the token lasts as long as the page. */
  storage?: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  /** The token's name in the storage. Default: `agent-runtime.visitor`. */
  key?: string
  /** The address that creates a session by POST. Default: the server's tRPC router. */
  path?: string
}

export interface Visitor {
  /** Undefined if there is no session, or it is over. */
  readonly token: string | undefined
  /** Forgets the token, unless another visitor has come meanwhile. */
  forget(token: string): void
  headers(): Promise<Record<string, string>>
  /** Wraps `fetch`. If the server refuses a request, it becomes a new visitor and sends the request once more. */
  admitted(fetch: typeof globalThis.fetch): typeof globalThis.fetch
}

interface VisitorSettings {
  /** The router's address that creates sessions. */
  sessions: string
  headers: HeadersOption | undefined
  anonymous: true | AnonymousOptions
}

const HEADER = 'x-anonymous-token'

export function createVisitor({ sessions, headers, anonymous }: VisitorSettings): Visitor {
  const options = anonymous === true ? {} : anonymous
  const { key = 'agent-runtime.visitor', path = sessions } = options
  const storage = options.storage ?? pageStorage()
  let remembered: string | undefined
  let asked: Promise<void> | undefined

  // Read it each time, because other tabs of the page share the visitor.
  const current = () => (storage === undefined ? remembered : (storage.getItem(key) ?? undefined))

  function keep(token: string | undefined): void {
    remembered = token
    if (token === undefined) storage?.removeItem(key)
    else storage?.setItem(key, token)
  }

  async function ask(fetch: typeof globalThis.fetch): Promise<void> {
    keep(undefined)
    const json = { 'content-type': 'application/json' }
    const answer = await fetch(path, { method: 'POST', headers: json, body: '{}' })
    if (answer.ok) keep(tokenIn(await answer.json()))
  }

  return {
    get token() {
      return current()
    },
    forget(token) {
      if (current() === token) keep(undefined)
    },

    async headers() {
      const given = await resolveHeaders(headers)
      const isUser = Object.keys(given).some((name) => name.toLowerCase() === 'authorization')
      const token = current()
      return isUser || token === undefined ? given : { ...given, [HEADER]: token }
    },

    admitted: (fetch) => async (input, init) => {
      const answer = await fetch(input, init)
      const sent = new Headers(init?.headers)
      if (answer.status !== 401 || sent.has('authorization')) return answer
      // Calls that are refused together share one session, which may exist already.
      if ((sent.get(HEADER) ?? undefined) === current())
        await (asked ??= ask(fetch).finally(() => (asked = undefined)))
      const token = current()
      if (token === undefined) return answer
      sent.set(HEADER, token)
      return fetch(input, { ...init, headers: Object.fromEntries(sent) })
    },
  }
}

/** The token in an answer of the tRPC router or of REST. */
function tokenIn(answer: { token?: string; result?: { data?: { token?: string } } }): string | undefined {
  return answer.result?.data?.token ?? answer.token
}

function pageStorage(): AnonymousOptions['storage'] {
  try {
    // A server has no `localStorage`. A browser throws if its user blocks it.
    return globalThis.localStorage
  } catch {
    return undefined
  }
}
