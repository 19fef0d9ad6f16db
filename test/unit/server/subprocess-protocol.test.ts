import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { PROCESS_MESSAGES, readMessage } from '../../../server/frameworks/subprocess/protocol.ts'
import { readLines } from '../../../server/frameworks/subprocess/read-lines.ts'

const page = readFileSync(
  fileURLToPath(new URL('../../../docs/subprocess-protocol.md', import.meta.url)),
  'utf8',
)
const lines = [...page.matchAll(/^\{.*\}$/gm)].map(([line]) => line)
const typeOf = (line: string) => (JSON.parse(line) as { type: string }).type
/** Both sides have a hello and an error; the process's differ from the runtime's. */
const isOfRuntime = (line: string) =>
  ['start', 'result', 'cancel', 'step.begun', 'model.delta'].includes(typeOf(line)) ||
  /^\{"type":"hello".*"limits"/.test(line) ||
  line.startsWith('{"type":"error","run":1,"id"')

describe('docs/subprocess-protocol.md', () => {
  test.each(lines.filter((line) => !isOfRuntime(line)))('a process may say %s', (line) => {
    expect(readMessage(line)).toMatchObject(JSON.parse(line) as object)
  })

  test('shows each message of a process', () => {
    expect(new Set(lines.filter((line) => !isOfRuntime(line)).map(typeOf))).toEqual(
      new Set(Object.keys(PROCESS_MESSAGES)),
    )
  })
})

async function collect(chunks: string[], onLong: 'cut' | 'refuse', maxBytes = 8) {
  const read: string[] = []
  for await (const line of readLines(Readable.from(chunks.map(Buffer.from)), { maxBytes, onLong }))
    read.push(line)
  return read
}

describe('lines', () => {
  test.each([
    [['one\ntwo\n'], ['one', 'two']],
    [
      ['o', 'ne\nt', 'wo'],
      ['one', 'two'],
    ],
    [['\n\n'], ['', '']],
    [['one\r\n'], ['one']],
    [['12345678\n'], ['12345678']],
    [[], []],
  ])('of %j', async (chunks, expected) => {
    expect(await collect(chunks, 'refuse')).toEqual(expected)
  })

  test('keep a character that comes in two pieces', async () => {
    const [first, second] = [Buffer.from('é').subarray(0, 1), Buffer.from('é\n').subarray(1)]
    const read: string[] = []
    const options = { maxBytes: 8, onLong: 'refuse' as const }
    for await (const line of readLines(Readable.from([first, second]), options)) read.push(line)
    expect(read).toEqual(['é'])
  })

  test('that are too long are refused, before they are whole', async () => {
    await expect(collect(['12345', '6789'], 'refuse')).rejects.toThrow('a line of more than 8 bytes')
  })

  test('or cut', async () => {
    expect(await collect(['12345', '6789', '0\nnext\n'], 'cut')).toEqual(['12345678', 'next'])
  })

  test('are not read on while the last one is worked on', async () => {
    let pulled = 0
    async function* flood() {
      for (;;) {
        pulled += 1
        yield Buffer.from('x\n'.repeat(10))
      }
    }
    const stream = Readable.from(flood(), { highWaterMark: 2 })
    const reading = readLines(stream, { maxBytes: 8, onLong: 'refuse' })
    await reading.next()
    await new Promise((resolve) => setImmediate(resolve))
    expect(pulled).toBeLessThan(6)
    await reading.return(undefined)
  })
})
