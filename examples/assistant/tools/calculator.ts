import { Parser } from 'expr-eval-fork'
import { z } from 'zod'
import { defineTool, ToolError } from '../../../server/index.ts'

const parser = new Parser({
  allowMemberAccess: false,
  operators: {
    assignment: false,
    comparison: false,
    concatenate: false,
    conditional: false,
    fndef: false,
    in: false,
    logical: false,
  },
})
// Only those of the parser's functions that calculate: no randomness, no lists.
const { min, max, hypot, pow, roundTo } = parser.functions as Record<string, unknown>
parser.functions = { min, max, hypot, pow, roundTo }

export const calculator = defineTool({
  name: 'calculator',
  description: 'Works out an arithmetic expression.',
  input: z.object({
    expression: z
      .string()
      .min(1)
      .max(200)
      .describe('Numbers, + - * / % ^, parentheses, PI, E, and functions such as sqrt(2) or max(1, 2).'),
  }),
  execute({ expression }) {
    const result = evaluate(expression)
    // With sixteen digits, binary fractions would differ from decimal ones: 0.1 + 0.2.
    return { expression, result: Number(result.toPrecision(15)) }
  },
})

function evaluate(expression: string): number {
  let result: unknown
  try {
    result = parser.evaluate(expression.replace(/\bpi\b/gi, 'PI'))
  } catch (cause) {
    throw new ToolError(`"${expression}" is not an expression I can read.`, { cause })
  }
  if (typeof result !== 'number' || Number.isNaN(result))
    throw new ToolError(`"${expression}" has no result.`)
  if (!Number.isFinite(result)) throw new ToolError(`"${expression}" divides by zero or is too large.`)
  return result
}
