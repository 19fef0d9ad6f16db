import { measureStreams } from '../driver/stream-load.ts'
import { TOKEN } from '../driver/identity.ts'
import type { Workload } from '../workload.ts'
import { STREAMS } from './w3-streams.ts'

/** A little less than what may be uploaded by default. */
const FILE_BYTES = 20_000_000
const PER_SECOND = 20

interface Moved {
  files: number
  ms: number
}

/** Uploads a file and downloads it, one after the other, until told to stop. */
async function moveFiles(
  url: string,
  { stop, signal }: { stop: AbortSignal; signal: AbortSignal },
): Promise<Moved> {
  const headers = { authorization: `Bearer ${TOKEN}` }
  const files = `${url}/api/agents/files/`
  const bytes = Buffer.alloc(FILE_BYTES, 'x')
  const startedAt = performance.now()
  let moved = 0
  while (!stop.aborted) {
    const body = new FormData()
    body.append('files', new Blob([bytes]), 'file')
    const uploaded = await fetch(files, { method: 'POST', headers, body, signal })
    if (!uploaded.ok) throw new Error(`A file was answered with ${uploaded.status}: ${await uploaded.text()}`)
    const [file] = ((await uploaded.json()) as { files: { id: string }[] }).files
    const path = `${files}${file?.id ?? ''}/`
    const downloaded = await (await fetch(path, { headers, signal })).arrayBuffer()
    if (downloaded.byteLength !== FILE_BYTES)
      throw new Error(`Of a file ${downloaded.byteLength} bytes came back.`)
    await fetch(path, { method: 'DELETE', headers, signal })
    moved += 1
  }
  return { files: moved, ms: performance.now() - startedAt }
}

/** What those who upload and download take from the others. The floor has no files: there, runs stream alone. */
export const filesBeside: Workload = {
  key: 'w13',
  title: `${STREAMS.runs} runs of ${PER_SECOND} deltas/s each, beside files of 20 MB up and down`,
  transports: ['rest'],
  metrics: [
    { key: 'aloneP50', label: 'alone: emitted → received, p50', unit: 'ms', better: 'lower' },
    { key: 'aloneP99', label: 'alone: p99', unit: 'ms', better: 'lower' },
    { key: 'besideP50', label: 'beside them: emitted → received, p50', unit: 'ms', better: 'lower' },
    { key: 'besideP99', label: 'beside them: p99', unit: 'ms', better: 'lower' },
    { key: 'besideDelivered', label: 'beside them: received of what was due', unit: '%', better: 'higher' },
    { key: 'megabytes', label: 'up and down', unit: 'MB/s', better: 'higher' },
  ],

  async measure(target, options) {
    const load = { runs: STREAMS.runs, perSecond: PER_SECOND }
    const alone = await measureStreams(target, load, options)
    const figures = { aloneP50: alone.p50, aloneP99: alone.p99 }
    if (target.name === 'floor') {
      const beside = { besideP50: alone.p50, besideP99: alone.p99, besideDelivered: alone.deliveredPercent }
      return { ...figures, ...beside, megabytes: NaN }
    }

    const stopping = new AbortController()
    const moving = moveFiles(target.url, { stop: stopping.signal, signal: options.signal })
    const beside = await measureStreams(target, load, options).finally(() => stopping.abort())
    const { files, ms } = await moving
    return {
      ...figures,
      besideP50: beside.p50,
      besideP99: beside.p99,
      besideDelivered: beside.deliveredPercent,
      megabytes: (files * 2 * FILE_BYTES) / 1_000 / ms,
    }
  },
}
