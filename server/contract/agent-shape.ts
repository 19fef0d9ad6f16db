/**
 * What a browser needs to know of an agent, as types only: no code of the server is reachable from
 * here. `createAgentRuntime` carries the union of its agents' shapes as the phantom `$agents`.
 */
export interface AgentShape {
  key: string
  /** What a caller passes as `params`: the schema's input side, so that defaults are optional. */
  params: unknown
  output: unknown
  /** Payloads of the agent's own events, by type. */
  events: object
  /**
   * The answers of its waits, by their names. If an agent does not declare its waits (the default), any name
   * and any JSON.
   */
  waits?: object
  /** The tools that pages run for it, by name, with their inputs and results. Default: none. */
  tools?: object
  /** Calls of the tools that it declares, whoever runs them: by name, the arguments as they are given, and the results. Default: none. */
  calls?: object
}

/** Anything that carries agent shapes: `typeof runtime`. */
export interface HasAgents<TShape extends AgentShape = AgentShape> {
  readonly $agents: TShape
}

export type ShapesOf<TRuntime extends HasAgents> = TRuntime['$agents']
export type KeyOf<TShape extends AgentShape> = TShape['key']
export type ShapeOf<TShape extends AgentShape, TKey extends string> = Extract<TShape, { key: TKey }>
