import { useEffect, useState, useSyncExternalStore } from 'react'

const KEY = 'chat.user'
const listeners = new Set<() => void>()

/** The user who has signed in, in any tab of the page. Null for a visitor. */
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

/**
 * Counts the users who left, in any tab. The page then starts anew, without their data. A visitor who signs
 * in keeps the page.
 */
export function useVisit(user: string | null): number {
  const [visit, setVisit] = useState({ user, count: 0 })
  const { count } = visit
  if (visit.user !== user) setVisit({ user, count: visit.user === null ? count : count + 1 })
  useEffect(() => {
    if (count > 0) location.hash = '#/'
  }, [count])
  return count
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  // A browser sends this event to the other tabs only.
  addEventListener('storage', listener)
  return () => {
    listeners.delete(listener)
    removeEventListener('storage', listener)
  }
}
