/** The owner of a run or conversation that is over, as far as an age rule may depend on it. */
export interface Kept {
  tenantId: string
  /** Null for a conversation that never had a run and was created for no agent. */
  agentKey: string | null
}

/** How long ended runs and conversations are kept, where this differs between them. */
export interface AgeRule {
  /** Nothing younger than this is deleted. */
  minMs: number
  /**
   * Resolves with how long each is kept, in the order of `of`; null means for good. Many may have the same tenant and
   * agent.
   *
   * @throws the reason of the runtime's stop, when the runtime stops meanwhile
   */
  keptMs(of: readonly Kept[]): Promise<readonly (number | null)[]>
}
