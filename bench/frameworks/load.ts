export const FRAMEWORKS = ['own-loop', 'langgraph', 'openai-agents', 'ai-sdk', 'subprocess'] as const
export type Framework = (typeof FRAMEWORKS)[number]

/** How a model answers. The pace is also the name of the provider's model that keeps it. */
export const PACES = {
  /** As a quick provider does. */
  paced: { firstAfterMs: 200, everyMs: 2, deltas: 500 },
  /** As fast as it is read, which no provider is. */
  max: { firstAfterMs: 0, everyMs: 0, deltas: 2_000 },
} as const
export type Pace = keyof typeof PACES

/** What is measured in the worker. */
export interface FrameworkLoad {
  framework: Framework
  /** The framework by itself, without a run. */
  isBare: boolean
  durationMs: number
}

/** The text of each delta. */
export const DELTA = 'word '
