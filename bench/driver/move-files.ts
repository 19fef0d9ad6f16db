// Uploads and downloads files in a process of its own, so that this work does not delay those who measure.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { fileURLToPath } from 'node:url'
import { TOKEN } from './identity.ts'

/** A little less than the default limit of an upload. */
const FILE_BYTES = 20_000_000
const CHUNK = Buffer.alloc(64 * 1024, 'x')
/** As long as a browser's: the form's parser looks at more of the bytes, the shorter it is. */
const BOUNDARY = `----WebKitFormBoundary${'7'.repeat(16)}`
const HEAD = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="files"; filename="file"\r\n\r\n`
const TAIL = `\r\n--${BOUNDARY}--\r\n`

export interface Moved {
  /** The bytes of uploads and downloads together. */
  bytes: number
  ms: number
}

/** Uploads and downloads one file after the other until `stop` is called. */
export function startMovingFiles(url: string): { stop(): Promise<Moved> } {
  const child = fork(fileURLToPath(import.meta.url), [url])
  const moved = once(child, 'message') as Promise<[Moved]>
  const ended = once(child, 'exit').then(() => undefined)
  return {
    async stop() {
      if (child.connected) child.send('stop')
      const answer = await Promise.race([moved, ended])
      child.kill()
      if (answer === undefined) throw new Error('Moving files failed; what it wrote is above.')
      return answer[0]
    },
  }
}

async function moveFiles(url: string): Promise<void> {
  const startedAt = performance.now()
  let bytes = 0
  const stopping = new AbortController()
  process.once('message', () => stopping.abort())
  process.once('disconnect', () => process.exit())
  const files = `${url}/api/agents/files/`
  while (!stopping.signal.aborted) {
    const uploaded = JSON.parse(await textOf(await upload(files))) as { files: [{ id: string }] }
    bytes += FILE_BYTES
    const path = `${files}${uploaded.files[0].id}/`
    for await (const chunk of await ask(path)) bytes += (chunk as Buffer).length
    await textOf(await ask(path, { method: 'DELETE' }))
  }
  process.send?.({ bytes, ms: performance.now() - startedAt } satisfies Moved)
}

async function upload(url: string): Promise<IncomingMessage> {
  const headers = {
    'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
    'content-length': HEAD.length + FILE_BYTES + TAIL.length,
  }
  return ask(url, { method: 'POST', headers }, async (sent) => {
    sent.write(HEAD)
    for (let left = FILE_BYTES; left > 0; left -= CHUNK.length) {
      if (!sent.write(CHUNK.subarray(0, Math.min(left, CHUNK.length)))) await once(sent, 'drain')
    }
    sent.end(TAIL)
  })
}

async function ask(
  url: string,
  { headers, method }: { headers?: Record<string, string | number>; method?: string } = {},
  write: (sent: ReturnType<typeof request>) => unknown = (sent) => sent.end(),
): Promise<IncomingMessage> {
  const sent = request(url, { method, headers: { ...headers, authorization: `Bearer ${TOKEN}` } })
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>
  await Promise.race([answered, write(sent)])
  const [answer] = await answered
  if ((answer.statusCode ?? 0) >= 300)
    throw new Error(`A file was answered with ${answer.statusCode}: ${await textOf(answer)}`)
  return answer
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer) text += String(chunk)
  return text
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await moveFiles(process.argv[2] ?? '')
