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

  it('is the one that opened it, with what the client may say of itself', () => {
    const request = toRequest(
      upgrade({ host: ['app.example.com'], cookie: ['a=1'], 'x-team': ['of the proxy'] }),
      { Authorization: 'Bearer 1', 'X-Anonymous-Token': 't', 'X-Team': 'red', 'x-locale': 'de' },
      ['x-team', 'x-locale'],
    )
    expect(request.url).toBe('http://app.example.com/trpc?connectionParams=1')
    expect(Object.fromEntries(request.headers)).toEqual({
      host: 'app.example.com',
      cookie: 'a=1',
      authorization: 'Bearer 1',
      'x-anonymous-token': 't',
      'x-team': 'of the proxy',
      'x-locale': 'de',
    })
  })

  it.each([
    ...[
      'x-user-id',
      'X-User-Id',
      'x-user',
      'x-email',
      'x-auth-request-user',
      'x-auth-request-email',
      'remote-user',
    ],
    ...['x-remote-user', 'x-authenticated-userid', 'x-consumer-id', 'x-goog-authenticated-user-email'],
    ...['x-amzn-oidc-identity', 'x-amzn-oidc-data', 'x-ms-client-principal-id', 'tailscale-user-login'],
    ...[
      'x-forwarded-for',
      'X-Forwarded-User',
      'x-forwarded-email',
      'x-forwarded-groups',
      'x-pomerium-claim-email',
    ],
    ...[
      'forwarded',
      'x-real-ip',
      'x-client-ip',
      'true-client-ip',
      'cf-connecting-ip',
      'cf-access-jwt-assertion',
    ],
    ...[
      'x-authenticated-user',
      'x-webauth-user',
      'x-vouch-user',
      'x-tenant-id',
      'x-ssl-client-s-dn',
      'proxy-user',
    ],
    ...['cookie', 'Cookie', 'host', 'origin', 'referer', 'content-length', 'sec-fetch-site', '__proto__'],
    ...['x_user_id', 'authorization ', 'a b', '', 'é'],
  ])('is refused with a header "%s"', (name) => {
    const sent = Object.fromEntries([[name, 'x']])
    expect(() => toRequest(upgrade({}), sent, ['x-team'])).toThrow(
      expect.objectContaining({ code: 'forbidden', details: { refusedHeaders: [name] } }),
    )
  })

  it.each(['a\r\nb: c', 'a\0', '€'])('is refused with a value that is none', (value) => {
    expect(() => toRequest(upgrade({}), { authorization: value }, [])).toThrow(
      expect.objectContaining({ code: 'forbidden' }),
    )
  })
})
