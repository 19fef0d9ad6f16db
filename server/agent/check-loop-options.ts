import { assertCompaction } from './compaction.ts'
import type { Compaction } from './compaction.ts'
import type { StopCondition } from './stop-conditions.ts'
import type { ToolLoopOptions } from './tool-loop.ts'
import { unknownOption } from './unknown-option.ts'

const OPTIONS: Record<keyof ToolLoopOptions, true> = {
  tools: true,
  system: true,
  messages: true,
  model: true,
  maxTurns: true,
  stopWhen: true,
  prepareStep: true,
  compaction: true,
  toolInput: true,
  maxOutputTokens: true,
  temperature: true,
  reasoningEffort: true,
  stop: true,
  promptCache: true,
}

const MAX_TURNS = 10

interface Checked {
  maxTurns: number
  stopConditions: readonly StopCondition[]
  compaction: Compaction | undefined
}

/** @throws TypeError for an option that there is not, or is not valid. */
export function checkLoopOptions(options: ToolLoopOptions): Checked {
  const unknown = unknownOption(options, OPTIONS)
  if (unknown !== undefined) throw new TypeError(`toolLoop: ${unknown}`)
  const { maxTurns = MAX_TURNS, stopWhen = [], prepareStep, compaction = false } = options
  if (!(maxTurns >= 1 && (Number.isInteger(maxTurns) || maxTurns === Infinity))) {
    throw new TypeError(`toolLoop: maxTurns is a whole number from 1, not ${String(maxTurns)}.`)
  }
  const stopConditions = [stopWhen].flat()
  if (stopConditions.some((condition) => typeof condition !== 'function')) {
    throw new TypeError('toolLoop: stopWhen is a function, such as hasToolCall("finish"), or a list of them.')
  }
  if (prepareStep !== undefined && typeof prepareStep !== 'function') {
    throw new TypeError('toolLoop: prepareStep is a function.')
  }
  if (compaction === false) return { maxTurns, stopConditions, compaction: undefined }
  const settings = compaction === true ? {} : compaction
  assertCompaction(settings)
  return { maxTurns, stopConditions, compaction: settings }
}
