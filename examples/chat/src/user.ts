import { useSyncExternalStore } from 'react'

const KEY = 'chat.user'
const listeners = new Set<() => void>()

/** Who has signed in, in any tab of the page. Null for a visitor. */
export function signedInUser(): string | null {
  return localStorage.getItem(KEY)
}

export function signIn(user: string): void {
  localStorage.setItem(KEY, user)
  for (const listener of listeners) listener()
}

export function signOut(): void {
  localStorage.removeItem(KEY)
  for (const listener of listeners) listener()
}

export function useUser(): string | null {
  return useSyncExternalStore(subscribe, signedInUser)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  // Told in the other tabs alone.
  addEventListener('storage', listener)
  return () => {
    listeners.delete(listener)
    removeEventListener('storage', listener)
  }
}
