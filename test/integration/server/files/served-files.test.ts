// What a file is served as, whole or in part.
import { describe, expect } from 'vitest'
import { test } from '../../../support/runtime.ts'
import { reader, uploadOne } from './files-scene.ts'

describe('what is served', () => {
  const scripted = [
    'text/html',
    'image/svg+xml',
    'application/xhtml+xml',
    'text/xml',
    'application/pdf',
    'nonsense',
  ]
  test('is shown by a browser where nothing in it can run, and saved otherwise', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [reader], worker: false })
    for (const type of [...scripted, 'image/png', 'text/plain', 'audio/mpeg']) {
      const { id } = await uploadOne(rest, {}, 'a', type)
      const { headers } = await rest.send(`files/${id}/`, {})
      const how = scripted.includes(type) ? 'attachment' : 'inline'
      expect([type, headers.get('content-disposition')]).toEqual([
        type,
        expect.stringMatching(new RegExp(`^${how};`)),
      ])
      expect(headers.get('content-type')).toBe(type === 'nonsense' ? 'application/octet-stream' : type)
      expect(headers.get('content-security-policy')).toContain('sandbox')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  })

  test('no name and no type breaks out of its header', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [reader], worker: false })
    for (const name of [
      'a"; filename="b',
      'a\r\nset-cookie: b=c',
      '../../etc/passwd',
      '漢'.repeat(80),
      'x%0d%0a',
    ]) {
      const { id } = await uploadOne(rest, {}, name, 'text/html;charset="a\r\nx: y"')
      const { headers, status } = await rest.send(`files/${id}/`, {})
      expect([status, headers.has('set-cookie'), headers.has('x')]).toEqual([200, false, false])
      expect(headers.get('content-disposition')).toMatch(
        /^attachment; filename="[^"\\]*"; filename\*=UTF-8''[\w%.!~-]+$/,
      )
      expect(headers.get('content-disposition')).not.toContain('/')
    }
  })

  test.for<[range: string, status: number, text: string, contentRange: string | null]>([
    ['bytes=0-1', 206, 'He', 'bytes 0-1/5'],
    ['bytes=3-', 206, 'lo', 'bytes 3-4/5'],
    ['bytes=-2', 206, 'lo', 'bytes 3-4/5'],
    ['bytes=-99', 206, 'Hello', 'bytes 0-4/5'],
    ['bytes=2-99', 206, 'llo', 'bytes 2-4/5'],
    ['bytes=5-', 416, '', 'bytes */5'],
    ['bytes=-0', 416, '', 'bytes */5'],
    ['bytes=99999999999999-', 416, '', 'bytes */5'],
    ['bytes=3-1', 200, 'Hello', null],
    ['bytes=0-1,3-4', 200, 'Hello', null],
    ['bytes=-', 200, 'Hello', null],
    ['lines=0-1', 200, 'Hello', null],
  ])('of %s: %i %s', async ([range, status, text, contentRange], { createServer }) => {
    const { rest } = await createServer({ agents: [reader], worker: false })
    const { id } = await uploadOne(rest, {})
    const answer = await rest.send(`files/${id}/`, { headers: { range } })
    expect([answer.status, answer.headers.get('content-range')]).toEqual([status, contentRange])
    if (status !== 416) expect(await answer.text()).toBe(text)
  })

  test('is not sent to a caller who has it, or who asks only for its headers', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [reader], worker: false })
    const { id, sha256 } = await uploadOne(rest, {})
    const ask = (init: RequestInit) => rest.send(`files/${id}/`, init)
    const etag = `"${sha256}"`
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      expect((await ask({ headers: { 'if-none-match': known } })).status).toBe(304)
    }
    expect((await ask({ headers: { 'if-none-match': '"other"' } })).status).toBe(200)
    const head = await ask({ method: 'HEAD', headers: { range: 'bytes=0-1' } })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '5', ''])
    const part = { range: 'bytes=0-1' }
    expect((await ask({ headers: { ...part, 'if-range': etag } })).status).toBe(206)
    expect((await ask({ headers: { ...part, 'if-range': '"other"' } })).status).toBe(200)
    expect((await ask({ method: 'POST' })).status).toBe(405)
  })
})
