import type { QueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import type { AgentClient } from '../client/agent-client.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { KeyRoot } from './queries/keys.ts'
import { keyWithin, rootOf } from './queries/keys.ts'

interface Shown<TShape extends AgentShape> {
  /** The client of the app. */
  given: AgentClient<TShape>
  /** Names the user of the page. */
  identity: string
  /** The client that is shown to that user. */
  client: AgentClient<TShape>
}

/** Decides which client is shown to which user. */
export function createIdentities<TShape extends AgentShape>() {
  /** The client shown last, by the app's client. It outlives the provider, which an app may unmount while nobody is signed in. */
  const shownLast = new WeakMap<AgentClient<TShape>, Shown<TShape>>()

  function clientFor(given: AgentClient<TShape>, identity: string): AgentClient<TShape> {
    const last = shownLast.get(given)
    if (last === undefined) return given
    return last.identity === identity ? last.client : given.renew()
  }

  return {
    /** Returns the given client until the identity changes, and then a client that has read nothing. */
    useClientOf(given: AgentClient<TShape>, identity: string): AgentClient<TShape> {
      const [shown, setShown] = useState(() => ({ given, identity, client: clientFor(given, identity) }))
      if (shown.given === given && shown.identity === identity) return shown.client
      const client = clientFor(given, identity)
      // Set it while rendering, so that no component below sees the former user's client.
      setShown({ given, identity, client })
      return client
    },

    /** Once another identity's client is shown, forgets what the former client has read. */
    useForgetting({ given, identity, client }: Shown<TShape>, queryClient: QueryClient): void {
      useEffect(() => {
        const former = shownLast.get(given)
        shownLast.set(given, { given, identity, client })
        if (former === undefined || former.client === client) return
        former.client.close()
        if (former.identity === identity) return
        const root = rootOf(placeOf(given, queryClient), former.identity)
        queryClient.removeQueries({ queryKey: keyWithin(root, []) })
      }, [given, identity, client, queryClient])
    },
  }
}

/** The beginning of the keys of what an app's client reads for one user. */
export function useRoot(given: Named, identity: string, queryClient: QueryClient): KeyRoot {
  const place = placeOf(given, queryClient)
  return useMemo(() => rootOf(place, identity), [place, identity])
}

type Named = Pick<AgentClient, 'name'>

const places = new WeakMap<QueryClient, { known: WeakMap<Named, string>; taken: Set<string> }>()

/**
 * Names an app's client in the keys of one `QueryClient`. The first client of a name keeps it, so that the browser finds what
 * a server read ahead. A second client of that name may have another server or caller. It gets a name of its own, so that
 * neither is shown what the other read.
 */
function placeOf(given: Named, queryClient: QueryClient): string {
  const { known, taken } = places.get(queryClient) ?? { known: new WeakMap(), taken: new Set() }
  places.set(queryClient, { known, taken })
  let place = known.get(given)
  if (place === undefined) {
    place = given.name
    for (let number = 2; taken.has(place); number += 1) place = `${given.name} ${number}`
    known.set(given, place)
    taken.add(place)
  }
  return place
}
