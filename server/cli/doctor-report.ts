import { styleText } from 'node:util'
import type { Finding, FindingLevel } from '../domain/doctor/finding.ts'

const MARKS: Record<FindingLevel, string> = { problem: '✗', note: '·', ok: '✓' }
const COLORS = { problem: 'red', note: 'yellow', ok: 'green' } as const

/** A block for each finding, for a person to read. */
export function formatReport(findings: readonly Finding[]): string {
  const problems = findings.filter(({ level }) => level === 'problem').length
  const verdict =
    problems === 0
      ? 'All is well.'
      : `There ${problems === 1 ? 'is 1 thing' : `are ${problems} things`} to do.`
  return `${findings.map(formatFinding).join('\n')}\n\n${styleText('bold', verdict)}\n`
}

function formatFinding({ level, found, meaning, remedy, items = [], more = 0 }: Finding): string {
  const lines = [
    ...(meaning === undefined ? [] : [meaning]),
    ...(remedy === undefined ? [] : [`→ ${remedy}`]),
    ...items.map((item) => styleText('dim', `- ${item}`)),
    ...(more > 0 ? [styleText('dim', `- and ${more} more`)] : []),
  ]
  return [`${styleText(COLORS[level], MARKS[level])} ${found}`, ...lines.map((line) => `    ${line}`)].join(
    '\n',
  )
}
