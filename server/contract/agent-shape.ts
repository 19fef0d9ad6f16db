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
  /** What its waits are answered with, by their names. Of an agent that does not declare its waits: any JSON, by any name, which is the default. */
  waits?: object
  /** The tools that pages run for it, by name: what each is given and answers. Default: none. */
  tools?: object
}

/** Anything that carries agent shapes: `typeof runtime`. */
export interface HasAgents<TShape extends AgentShape = AgentShape> {
  readonly $agents: TShape
}

export type ShapesOf<TRuntime extends HasAgents> = TRuntime['$agents']
export type KeyOf<TShape extends AgentShape> = TShape['key']
export type ShapeOf<TShape extends AgentShape, TKey extends string> = Extract<TShape, { key: TKey }>
