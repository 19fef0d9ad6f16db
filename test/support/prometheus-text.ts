export interface Sample {
  labels: Record<string, string>
  value: number
}

const COMMENT = /^# (?:HELP|TYPE) [a-zA-Z_:][\w:]* \S.*$/
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y

/**
 * The samples of a page by name, read strictly: https://prometheus.io/docs/instrumenting/exposition_formats/
 *
 * @throws for a malformed line
 */
export function readPrometheusText(text: string): Map<string, Sample[]> {
  if (!text.endsWith('\n')) throw new Error('The last line has no end.')
  const samples = new Map<string, Sample[]>()
  for (const line of text.split('\n')) {
    if (line === '' || COMMENT.test(line)) continue
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? []
    if (name === undefined || value === undefined) throw new Error(`No sample: ${line}`)
    samples.set(name, [...(samples.get(name) ?? []), { labels: readLabels(labels), value: readValue(value) }])
  }
  return samples
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < text.length) {
    const [, name, value] = LABEL.exec(text) ?? []
    if (name === undefined || value === undefined) throw new Error(`No labels: ${text}`)
    labels[name] = value
  }
  return labels
}

function readValue(text: string): number {
  const value = text === '+Inf' ? Infinity : Number(text)
  if (Number.isNaN(value) && text !== 'Nan') throw new Error(`No number: ${text}`)
  return value
}
