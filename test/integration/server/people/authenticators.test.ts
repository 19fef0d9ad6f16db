import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CryptoKey, JWTPayload } from 'jose'
import { base64url, exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, vi } from 'vitest'
import { apiKeys, createApiKey, firstOf, jwt } from '../../../../server/auth/index.ts'
import type { Authenticator } from '../../../../server/auth/index.ts'
import { AgentRuntimeError, defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const ISSUER = 'https://login.test/'
const AUDIENCE = 'agents'
const SECRET = 'a secret of the tests, long enough to be one'
const echo = defineAgent({ key: 'echo', run: async () => ({ output: 'done' }) })

interface TestIssuer extends AsyncDisposable {
  jwksUrl: string
  /** How often its keys were read. */
  readonly asked: number
  /** Signs with the newest key. */
  sign(claims?: JWTPayload, header?: { alg?: string; kid?: string }): Promise<string>
  /** Signs with another key from now on, and publishes only that one. */
  rotate(): Promise<void>
  publicKey(): CryptoKey
  /** Answers with errors from now on. */
  breakDown(): void
}

const VALID: JWTPayload = { iss: ISSUER, aud: AUDIENCE, sub: 'ada' }
const soon = () => Math.floor(Date.now() / 1000) + 60

async function startIssuer(): Promise<TestIssuer> {
  let number = 0
  let isBroken = false
  let asked = 0
  let keys = await generateKeyPair('ES256')
  const server = createHttpServer((_, response) => {
    asked += 1
    if (isBroken) return response.writeHead(500).end()
    void exportJWK(keys.publicKey).then((key) =>
      response.end(JSON.stringify({ keys: [{ ...key, kid: `key ${number}`, alg: 'ES256', use: 'sig' }] })),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    get asked() {
      return asked
    },
    sign: (claims = {}, header = {}) =>
      new SignJWT({ exp: soon(), ...VALID, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: `key ${number}`, ...header })
        .sign(keys.privateKey),
    async rotate() {
      keys = await generateKeyPair('ES256')
      number += 1
    },
    publicKey: () => keys.publicKey,
    breakDown: () => (isBroken = true),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const asking = (token: string, scheme = 'Bearer') =>
  new Request('http://runtime.test/', { headers: { authorization: `${scheme} ${token}` } })

/** The outcome of a request with this token. */
async function outcomeOf(authenticate: Authenticator, token: string): Promise<string | null> {
  try {
    return (await authenticate(asking(token)))?.id ?? null
  } catch (error) {
    return error instanceof AgentRuntimeError ? error.code : String(error)
  }
}

const signBySecret = (claims: JWTPayload = {}, secret = SECRET) =>
  new SignJWT({ exp: soon(), ...VALID, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret))

describe('a JSON Web Token', () => {
  test('says whose runs are shown, over REST and tRPC', async ({ createServer }) => {
    const authenticate = jwt({ secret: SECRET, issuer: ISSUER, audience: AUDIENCE })
    const { as, rest } = await createServer({ agents: [echo], authenticate })
    const [ada, bob] = [await signBySecret(), await signBySecret({ sub: 'bob' })]
    const runId = await as({ authorization: `Bearer ${ada}` }).rest.create('echo')
    expect((await as({ authorization: `Token ${ada}` }).rest.get(`runs/${runId}`)).status).toBe(200)
    expect((await as({ authorization: `Bearer ${bob}` }).rest.get(`runs/${runId}`)).status).toBe(404)
    const { trpc } = as({ authorization: `Bearer ${ada}` })
    expect((await trpc.client.runs.get.query({ runId })).id).toBe(runId)
    expect((await rest.get(`runs/${runId}`)).status).toBe(401)
    const late = await as({
      authorization: `Bearer ${await signBySecret({ exp: soon() - 3_600 })}`,
    }).rest.get('runs')
    expect(late).toMatchObject({ status: 401, body: { error: 'The token has expired. Sign in again.' } })
  })

  test('of an issuer with published keys is checked by them, also after they change', async () => {
    await using issuer = await startIssuer()
    const authenticate = jwt({ jwksUrl: issuer.jwksUrl, issuer: ISSUER, audience: [AUDIENCE, 'others'] })
    const first = await issuer.sign()
    expect(await outcomeOf(authenticate, first)).toBe('ada')
    expect(await outcomeOf(authenticate, first)).toBe('ada')
    expect(issuer.asked).toBe(1)
    await issuer.rotate()
    // Tokens of keys that do not exist do not make the server read the keys again and again.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 })
    try {
      expect(await outcomeOf(authenticate, await issuer.sign())).toBe('ada')
      expect(await outcomeOf(authenticate, first)).toBe('unauthorized')
      expect(issuer.asked).toBe(2)
    } finally {
      vi.useRealTimers()
    }
  })

  test('is refused when anything about it is wrong', async () => {
    await using issuer = await startIssuer()
    const authenticate = jwt({ jwksUrl: issuer.jwksUrl, issuer: ISSUER, audience: AUDIENCE })
    const [header = '', payload = '', signature = ''] = (await issuer.sign()).split('.')
    const encode = (part: object) => base64url.encode(JSON.stringify(part))
    const pem = await exportSPKI(issuer.publicKey())
    const wrong: Record<string, string> = {
      'another audience': await issuer.sign({ aud: 'another' }),
      'no audience': await issuer.sign({ aud: undefined as never }),
      'no end': await issuer.sign({ exp: undefined as never }),
      'not valid yet': await issuer.sign({ nbf: soon() }),
      'a claim changed': `${header}.${encode({ ...VALID, sub: 'eve', exp: soon() })}.${signature}`,
      'no signature': `${header}.${payload}.`,
      'algorithm none': `${encode({ alg: 'none' })}.${payload}.`,
      'a key of nobody': await issuer.sign({}, { kid: 'another' }),
      // The public key used as a secret, which everybody knows.
      'signed by the public key': await signBySecret({}, pem),
      'critical header': `${encode({ alg: 'ES256', kid: 'key 0', crit: ['x'], x: 1 })}.${payload}.${signature}`,
    }
    for (const [what, token] of Object.entries(wrong)) {
      expect([what, await outcomeOf(authenticate, token)]).toEqual([what, 'unauthorized'])
    }
    expect(await outcomeOf(authenticate, await issuer.sign({ sub: undefined as never }))).toBeNull()
  })

  test('of another issuer, and what is none, are left to others', async () => {
    const ours = jwt({ secret: SECRET, issuer: ISSUER, audience: AUDIENCE })
    const another = { iss: 'https://other.test/' }
    for (const token of [
      await signBySecret(another),
      'opaque',
      'a.b.c',
      `ar_${'x'.repeat(40)}`,
      'x'.repeat(20_000),
    ]) {
      expect(await outcomeOf(ours, token)).toBeNull()
    }
    const theirs = jwt({
      secret: SECRET,
      issuer: another.iss,
      audience: AUDIENCE,
      claims: () => ({ id: 'theirs', tenantId: 't', kind: 'user' }),
    })
    expect(await outcomeOf(firstOf(ours, theirs), await signBySecret(another))).toBe('theirs')
    expect(await outcomeOf(firstOf(ours, theirs), 'opaque')).toBeNull()
  })

  test('that can not be checked, its keys being away, is answered with 503', async ({ createServer }) => {
    await using issuer = await startIssuer()
    const authenticate = jwt({ jwksUrl: issuer.jwksUrl, issuer: ISSUER, audience: AUDIENCE })
    const token = await issuer.sign()
    issuer.breakDown()
    const { as } = await createServer({ agents: [echo], authenticate, worker: false })
    const { status, body } = await as({ authorization: `Bearer ${token}` }).rest.get('runs')
    expect({ status, code: body['code'] }).toEqual({ status: 503, code: 'unavailable' })
  })

  test.for([
    [{ issuer: ISSUER, audience: AUDIENCE }, 'either jwksUrl or secret'],
    [
      { issuer: ISSUER, audience: AUDIENCE, secret: SECRET, jwksUrl: 'https://x.test' },
      'either jwksUrl or secret',
    ],
    [{ issuer: ISSUER, audience: AUDIENCE, secret: 'short' }, 'at least 32 bytes'],
    [{ issuer: '', audience: AUDIENCE, secret: SECRET }, 'issuer is needed'],
    [{ issuer: ISSUER, audience: [], secret: SECRET }, 'audience is needed'],
    [{ issuer: ISSUER, secret: SECRET }, 'audience is needed'],
    [{ issuer: ISSUER, audience: AUDIENCE, jwksUrl: 'file:///etc/passwd' }, 'HTTP(S) URL'],
    [{ issuer: ISSUER, audience: AUDIENCE, jwksUrl: 'https://x.test', algorithms: ['HS256'] }, 'HS256'],
    [{ issuer: ISSUER, audience: AUDIENCE, jwksUrl: 'https://x.test', algorithms: ['none'] }, 'none'],
  ] as const)('is not set up by %j', ([options, said]) => {
    expect(() => jwt(options as never)).toThrow(said)
  })
})

describe('an API key', () => {
  test('is known by its hash, in either header, and refused when nobody has it', async ({ createServer }) => {
    const { key, hash } = createApiKey()
    expect(key).toMatch(/^ar_[\w-]{43}$/)
    const asked: string[] = []
    const authenticate = firstOf(
      jwt({ secret: SECRET, issuer: ISSUER, audience: AUDIENCE }),
      apiKeys({
        lookup(found) {
          asked.push(found)
          return found === hash ? { id: 'robot', tenantId: 'team', kind: 'user' } : undefined
        },
      }),
    )
    const { as } = await createServer({ agents: [echo], authenticate, worker: false })
    const runId = await as({ 'x-api-key': key }).rest.create('echo')
    for (const headers of [{ authorization: `Bearer ${key}` }, { authorization: `token ${key}` }]) {
      expect((await as(headers).rest.get(`runs/${runId}`)).status).toBe(200)
    }
    for (const wrong of [createApiKey().key, `${key}x`, 'ar_']) {
      const { status, body } = await as({ 'x-api-key': wrong }).rest.get('runs')
      expect({ status, error: body['error'] }).toEqual({ status: 401, error: 'There is no such API key.' })
    }
    expect((await as({ 'x-api-key': 'another' }).rest.get('runs')).status).toBe(401)
    expect(asked.every((text) => /^[0-9a-f]{64}$/.test(text))).toBe(true)
  })
})
