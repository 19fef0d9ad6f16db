import type { QueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { AgentClient } from '../client/agent-client.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import { keyOfAll } from './queries.ts'

interface Shown<TShape extends AgentShape> {
  /** The client of the app. */
  given: AgentClient<TShape>
  identity: string | undefined
  /** The one that is shown for it. */
  client: AgentClient<TShape>
}

/** Which client is shown for whom. */
export function createIdentities<TShape extends AgentShape>() {
  /** By the app's client, the one that was shown last. It outlives the provider, which an app may unmount while nobody is signed in. */
  const shownLast = new WeakMap<AgentClient<TShape>, Shown<TShape>>()

  function clientFor(given: AgentClient<TShape>, identity: string | undefined): AgentClient<TShape> {
    const last = shownLast.get(given)
    if (last === undefined) return given
    return last.identity === identity ? last.client : given.renew()
  }

  return {
    /** The client that was given, until another identity comes: then one that has read nothing. */
    useClientOf(given: AgentClient<TShape>, identity: string | undefined): AgentClient<TShape> {
      const [shown, setShown] = useState(() => ({ given, identity, client: clientFor(given, identity) }))
      if (shown.given === given && shown.identity === identity) return shown.client
      const client = clientFor(given, identity)
      // While it renders: nothing below is to see the client of the one before.
      setShown({ given, identity, client })
      return client
    },

    /** Once another identity's client is shown, forgets what the one before had read. */
    useForgetting({ given, identity, client }: Shown<TShape>, queryClient: QueryClient): void {
      useEffect(() => {
        const former = shownLast.get(given)
        shownLast.set(given, { given, identity, client })
        if (former === undefined || former.client === client) return
        former.client.close()
        queryClient.removeQueries({ queryKey: keyOfAll(former.client) })
      }, [given, identity, client, queryClient])
    },
  }
}
