import { describe, expect, test, vi } from 'vitest'
import { createLogger } from '../../../../server/telemetry/pino-logger.ts'

const SECRET = 'QWERTYUIOPASDFGHJKLZXCVBNM1234567890abcdefgh'
const PLANTED = [
  `sk-proj-${SECRET}`,
  `ar_${SECRET}`,
  `whsec_${SECRET}`,
  `ghp_${SECRET}`,
  `xoxb-${SECRET}`,
  `AIza${SECRET}`,
  `eyJhbGciOiJI.${SECRET}.${SECRET}`,
  `Authorization: Bearer ${SECRET}`,
  `Basic ${SECRET}==`,
  `postgres://app:${SECRET}@db.internal/app`,
  `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`,
]

function written(log: (logger: ReturnType<typeof createLogger>) => void, format: string): string {
  const lines: string[] = []
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((line) => lines.push(String(line)) > 0)
  try {
    log(createLogger({ LOG_FORMAT: format }))
  } finally {
    spy.mockRestore()
  }
  return lines.join('')
}

describe.each(['json', 'pretty'])('the log as %s', (format) => {
  test('has nothing of what a URL lets somebody in by, wherever the URL came from', () => {
    const url =
      'http://h/runs/1/events?token=s3cret-a&from_seq=2&anonymous_token=s3cret-b&ticket=s3cret.c-d_e'
    const nested = `http://proxy/?to=${encodeURIComponent('http://h/?ticket=s3cret')}`
    const text = written((logger) => {
      logger.error(
        { err: new TypeError('Failed to parse URL', { cause: new Error(`in ${url}`) }), url },
        `of ${url}`,
      )
      logger.info({ nested }, 'said')
    }, format)
    expect(text).not.toContain('s3cret')
    expect(text).toContain('?token=[redacted]&from_seq=2&anonymous_token=[redacted]&ticket=[redacted]')
    expect(text).toContain('Failed to parse URL')
  })

  test.each(PLANTED)('has no secret that looks like one: %s', (secret) => {
    const text = written((logger) => {
      logger.error({ err: new Error(`refused ${secret}`, { cause: new Error(secret) }) }, `with ${secret}.`)
      logger.info({ deep: [{ said: `it is ${secret}` }] }, 'said')
    }, format)
    expect(text).not.toContain(SECRET)
    expect(text.match(/\[redacted\]/g)?.length).toBeGreaterThan(2)
  })

  test.each([
    'password',
    'apiKey',
    'api_key',
    'clientSecret',
    'Authorization',
    'set-cookie',
    'x-anonymous-token',
  ])('has nothing of a field that is called %s', (name) => {
    const text = written((logger) => {
      logger.info({ [name]: 'n0t-said', deep: [{ [name]: { inner: 'n0t-said' } }] }, 'said')
    }, format)
    expect(text).not.toContain('n0t-said')
    expect(text).toContain('[redacted]')
  })

  test('has what only resembles one', () => {
    const fields = {
      inputTokens: 17,
      tokens: 'many',
      hasSecret: true,
      secret: '',
      token: null,
      task: 'task-sk-17',
    }
    const text = written(
      (logger) => logger.info({ ...fields, url: 'http://h:80/@x' }, 'the token is new'),
      format,
    )
    expect(text).not.toContain('[redacted]')
    expect(text).toContain('the token is new')
  })
})
