/** A transaction of the store, for what must commit with it. */
export interface Transaction {
  /**
   * A statement with a `name`, unique to its text, is planned once a connection. Statements go out at once, in the
   * order they are asked for: those that do not need each other's answers need not wait for them.
   */
  query(statement: {
    text: string
    values?: unknown[]
    name?: string
  }): Promise<{ rows: Record<string, unknown>[] }>
}
