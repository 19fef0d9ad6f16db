/** Stores nobody looks at that are remembered, so that coming back shows them at once. */
const MAX_IDLE_STORES = 20

interface Store {
  readonly hasListeners: boolean
  /** Follows once more what could not be followed, where somebody looks. */
  followFailed(): void
  /** Ends its stream. */
  close(): void
}

/** One store for each key: all views of it share a connection. */
export interface Stores<TStore extends Store> {
  get(key: string, create: () => TStore): TStore
  /** Those whose keys begin so. */
  startingWith(prefix: string): TStore[]
  /** For who may see now what could not be seen before. */
  followFailed(): void
  /** Closes and forgets all of them. */
  close(): void
}

export function createStores<TStore extends Store>(): Stores<TStore> {
  const stores = new Map<string, TStore>()
  return {
    get(key, create) {
      const store = stores.get(key) ?? create()
      // Taken out and put back: a map iterates in the order of insertion, so the least recently used come first.
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
