import { describe, expect, test, vi } from 'vitest'
import { createLogger } from '../../../../server/telemetry/pino-logger.ts'

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
})
