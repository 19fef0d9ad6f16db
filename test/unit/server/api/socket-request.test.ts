import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { isAllowedOrigin } from '../../../../server/api/socket/origin.ts'
import { toRequest } from '../../../../server/api/socket/upgrade-request.ts'

describe('a page may open a socket', () => {
  const host = 'app.example.com'
  const may: [string, IncomingHttpHeaders, string[], boolean][] = [
    ['when it is no page', { host }, [], true],
    ['of its own site', { host, origin: 'https://app.example.com' }, [], true],
    ['on its own port', { host: 'localhost:3000', origin: 'http://localhost:3000' }, [], true],
    ['not of another port', { host: 'localhost:3000', origin: 'http://localhost:4000' }, [], false],
    ['not of another site', { host, origin: 'https://evil.example.com' }, [], false],
    ['not of a site that sounds alike', { host, origin: 'https://app.example.com.evil.org' }, [], false],
    ['not of no site', { host, origin: 'null' }, [], false],
    ['not of a file', { host, origin: 'file://' }, [], false],
    ['of a site that is named', { host, origin: 'https://other.org' }, ['https://other.org'], true],
    ['not of that over another scheme', { host, origin: 'http://other.org' }, ['https://other.org'], false],
    ['of any site, where that is said', { host, origin: 'https://evil.example.com' }, ['*'], true],
    [
      'of the site a proxy was asked for',
      { host: '10.0.0.1', origin: 'https://app.example.com', 'x-forwarded-host': 'app.example.com' },
      [],
      true,
    ],
  ]
  it.each(may)('%s', (_who, headers, allowed, answer) => {
    expect(isAllowedOrigin(headers, allowed)).toBe(answer)
  })
})

describe('the request a call over a socket is from', () => {
  const upgrade = (headersDistinct: NodeJS.Dict<string[]>) =>
    ({
      url: '/trpc?connectionParams=1',
      headers: { host: headersDistinct['host']?.[0] },
      headersDistinct,
      socket: {},
    }) as unknown as IncomingMessage

  it('is the one that opened it, with what the client sent', () => {
    const request = toRequest(upgrade({ host: ['app.example.com'], cookie: ['a=1'] }), {
      Authorization: 'Bearer 1',
      'x-team': 'red',
    })
    expect(request.url).toBe('http://app.example.com/trpc?connectionParams=1')
    expect(Object.fromEntries(request.headers)).toEqual({
      host: 'app.example.com',
      cookie: 'a=1',
      authorization: 'Bearer 1',
      'x-team': 'red',
    })
  })

  it.each([
    ...['cookie', 'Cookie', 'host', 'origin', 'referer', 'content-length', 'sec-fetch-site', 'proxy-user'],
    ...['forwarded', 'x-forwarded-for', 'X-Forwarded-User', 'x-real-ip', 'cf-connecting-ip', 'a b', '', 'é'],
  ])('takes no header "%s" from a page', (name) => {
    expect(Object.fromEntries(toRequest(upgrade({}), { [name]: 'x' }).headers)).toEqual({})
  })

  it.each(['a\r\nb: c', 'a\0', '€'])('takes no value that is none', (value) => {
    expect(Object.fromEntries(toRequest(upgrade({}), { 'x-team': value }).headers)).toEqual({})
  })
})
