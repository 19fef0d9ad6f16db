const FUNCTIONS = 'sqrt|cbrt|abs|exp|ln|log10|log2|log|sin|cos|tan|round|floor|ceil|min|max'
const TERM = String.raw`(?:\d+(?:\.\d+)?|\bpi\b|\b(?:${FUNCTIONS})\b(?=\s*\()|[-+*/^%(),])`
const RUN = new RegExp(String.raw`${TERM}(?:\s*${TERM})*`, 'gi')
const DATE = /\d{4}-\d{2}-\d{2}/
const ASKED = /\b(?:what(?:'s| is| are)|how much|calculate|compute|evaluate|solve|times|result of)\b|=/i

// What people write, as what a calculator reads. Order matters: phrases before the words in them.
const SPOKEN: readonly (readonly [RegExp, string])[] = [
  [/[×·]/g, '*'],
  [/÷/g, '/'],
  [/−/g, '-'],
  [/(\d),(?=\d{3}(?!\d))/g, '$1'],
  [/(\d+(?:\.\d+)?)\s*(?:%|per ?cent)\s+of\s+(?=[\d(])/gi, '$1 / 100 * '],
  [/\b(?:the )?square root of\s+(\d+(?:\.\d+)?)/gi, 'sqrt($1)'],
  [/(?<=[\d)])\s*squared\b/gi, '^2'],
  [/(?<=[\d)])\s*cubed\b/gi, '^3'],
  [/(?<=[\d)])\s+(?:raised )?to the power of\s+(?=[\d(-])/gi, ' ^ '],
  [/(?<=[\d)])\s+plus\s+(?=[\d(-])/gi, ' + '],
  [/(?<=[\d)])\s+minus\s+(?=[\d(-])/gi, ' - '],
  [/(?<=[\d)])\s+(?:times|multiplied by|x)\s+(?=[\d(-])/gi, ' * '],
  [/(?<=[\d)])\s+(?:divided by|over)\s+(?=[\d(-])/gi, ' / '],
]

/** The first arithmetic expression in a text, spelled for the calculator; undefined when there is none. */
export function findExpression(text: string): string | undefined {
  const spelled = SPOKEN.reduce((result, [pattern, by]) => result.replace(pattern, by), text)
  const asked = ASKED.test(text)
  for (const [run] of spelled.matchAll(RUN)) {
    const expression = trim(run)
    if (!isCalculation(expression)) continue
    // "24/7" and "555-1234" are no calculations, unless somebody asks for one.
    const isOneTightPair = /^\d+[-/]\d+$/.test(expression)
    if (isOneTightPair && !asked && expression !== text.trim()) continue
    return expression
  }
  return undefined
}

function trim(run: string): string {
  return run
    .replace(/[-+*/^%,\s(]+$/, '')
    .replace(/^[+*/^%,\s)]+/, '')
    .trim()
}

function isCalculation(expression: string): boolean {
  if (DATE.test(expression) || !/\d/.test(expression) || !isBalanced(expression)) return false
  return /[a-z]+\s*\(/i.test(expression) || /[\d)i]\s*[-+*/^%]\s*[\d(a-z-]/i.test(expression)
}

function isBalanced(expression: string): boolean {
  let depth = 0
  for (const character of expression) {
    if (character === '(') depth++
    if (character === ')') depth--
    if (depth < 0) return false
  }
  return depth === 0
}
