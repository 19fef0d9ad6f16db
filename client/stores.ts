/** How many unused stores are kept, so that a view that comes back shows its state at once. */
const MAX_IDLE_STORES = 20

interface Store {
  readonly hasListeners: boolean
  /** Follows once more if that failed and somebody listens. */
  followFailed(): void
  /** Ends its stream. */
  close(): void
}

/** Holds one store for each key, so that all its views share a connection. */
export interface Stores<TStore extends Store> {
  get(key: string, create: () => TStore): TStore
  /** The stores whose keys begin with `prefix`. */
  startingWith(prefix: string): TStore[]
  /** Called when the user may see now what was refused before. */
  followFailed(): void
  /** Closes and forgets all of them. */
  close(): void
}

export function createStores<TStore extends Store>(): Stores<TStore> {
  const stores = new Map<string, TStore>()
  return {
    get(key, create) {
      const store = stores.get(key) ?? create()
      // Take the store out and put it back. A map iterates in order of insertion, so the least recently used come first.
      stores.delete(key)
      stores.set(key, store)
      const idle = [...stores].filter(([, other]) => other !== store && !other.hasListeners)
      for (const [oldest] of idle.slice(0, -MAX_IDLE_STORES)) stores.delete(oldest)
      return store
    },
    startingWith: (prefix) => [...stores].flatMap(([key, store]) => (key.startsWith(prefix) ? [store] : [])),
    followFailed() {
      for (const store of stores.values()) store.followFailed()
    },
    close() {
      for (const store of stores.values()) store.close()
      stores.clear()
    },
  }
}
