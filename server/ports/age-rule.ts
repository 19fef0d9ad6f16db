/** Whose something that is over is. */
export interface Kept {
  tenantId: string
  /** Null of a conversation that never had a run, and was created for no agent. */
  agentKey: string | null
}

/** How long what is over is kept, where that is not the same for all. */
export interface AgeRule {
  /** Nothing goes before that. */
  minMs: number
  /**
   * Tells of each, in the order asked for, how long it is kept; null: for good. Many may be of one tenant and agent.
   *
   * @throws what the runtime stops with, when it does meanwhile
   */
  keptMs(of: readonly Kept[]): Promise<readonly (number | null)[]>
}
