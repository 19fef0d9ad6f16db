import { useCallback, useSyncExternalStore } from 'react'

const PREFIX = '#/c/'

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener)
  return () => removeEventListener('hashchange', listener)
}

function read(): string | null {
  return location.hash.startsWith(PREFIX) ? location.hash.slice(PREFIX.length) : null
}

/** The open conversation, null for a new one. It is kept in the address, so that it survives a reload. */
export function useSelectedConversation(): [string | null, (conversationId: string | null) => void] {
  const conversationId = useSyncExternalStore(subscribe, read)
  const select = useCallback((next: string | null) => {
    location.hash = next === null ? '#/' : `${PREFIX}${next}`
  }, [])
  return [conversationId, select]
}
