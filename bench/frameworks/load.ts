export const FRAMEWORKS = ['own-loop', 'langgraph', 'openai-agents', 'ai-sdk', 'subprocess'] as const
export type Framework = (typeof FRAMEWORKS)[number]

/** How a model answers. The pace is also the name of the provider's model that has it. */
export const PACES = {
  /** The pace of a quick provider. */
  paced: { firstAfterMs: 200, everyMs: 2, deltas: 500 },
  /** As fast as it is read. No provider is that fast. */
  max: { firstAfterMs: 0, everyMs: 0, deltas: 2_000 },
} as const
export type Pace = keyof typeof PACES

/** What is measured in the worker. */
export interface FrameworkLoad {
  framework: Framework
  /** The framework alone, without a run. */
  isBare: boolean
  durationMs: number
}

/** The text of each delta. */
export const DELTA = 'word '
