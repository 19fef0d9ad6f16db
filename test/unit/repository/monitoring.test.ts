import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../../server/telemetry/metrics/instruments.ts'
import { toLabelNames, toMetricName } from '../../../server/telemetry/prometheus/names.ts'

const read = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url), 'utf8')

const byText = (a = '', b = '') => a.localeCompare(b)

const names = [
  ...Object.values(COUNTERS).map((counter) => toMetricName(counter, '_total')),
  ...Object.values(GAUGES).map((gauge) => toMetricName(gauge)),
  ...Object.values(HISTOGRAMS).flatMap((histogram) =>
    ['_bucket', '_sum', '_count'].map((suffix) => toMetricName(histogram, suffix)),
  ),
]
const instruments = [COUNTERS, GAUGES, HISTOGRAMS].flatMap((some) => Object.values(some))

test.each(['examples/monitoring/grafana-dashboard.json', 'examples/monitoring/alerts.yml'])(
  '%s asks for what is measured',
  async (path) => {
    const text = await read(path)
    const asked = new Set(text.match(/\b(?:agent_runtime|gen_ai_client)_[a-z_]+/g))
    const known = new Set([...names, ...instruments.flatMap((one) => toLabelNames(one.labels))])
    expect(asked.size).toBeGreaterThan(5)
    expect([...asked].filter((name) => !known.has(name))).toEqual([])
  },
)

test('the page names each metric and no other', async () => {
  const page = await read('docs/metrics.md')
  const table =
    page
      .match(/^\| `.*$/gm)
      ?.join('\n')
      .replace('`, `.size`', '`, `agent_runtime.flush.size`') ?? ''
  const told = [...table.matchAll(/`((?:agent_runtime|gen_ai\.client)\.[\w.]+)`/g)].map(([, name]) => name)
  expect(told.toSorted(byText)).toEqual(instruments.map(({ name }) => name as string).toSorted(byText))
})
