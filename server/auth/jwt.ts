// JSON Web Tokens (RFC 7519), checked by jose.
import { createRemoteJWKSet, decodeJwt, errors, jwtVerify } from 'jose'
import type { JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose'
import { ConfigError } from '../config/config-error.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Principal } from '../contract/principal.ts'
import type { Authenticator } from './authenticator.ts'
import { bearerToken } from './bearer-token.ts'

interface CommonOptions {
  /** The issuer of the tokens (`iss`). Tokens of other issuers are left to other authenticators. */
  issuer: string
  /**
   * The audience of the tokens (one of their `aud`). Without this check, a token for another service would be
   * valid here.
   */
  audience: string | readonly string[]
  /**
   * Makes a principal from the claims of a valid token; null refuses the token. Default: a user with the
   * token's `sub`.
   *
   * @example claims: ({ sub, org_id }) => ({ id: sub!, tenantId: String(org_id), kind: 'user' })
   */
  claims?: (claims: JWTPayload) => Principal | null | Promise<Principal | null>
  /** Seconds by which the clocks of issuer and server may differ. Default: 5. */
  clockToleranceSeconds?: number
}

interface ByJwks {
  /** Where the issuer publishes its keys, as a JSON Web Key Set. They are fetched when they are needed, and kept. */
  jwksUrl: string | URL
  secret?: never
  /**
   * Signature algorithms that are accepted. Default: all public-key algorithms of jose, such as RS256, ES256
   * and EdDSA.
   */
  algorithms?: readonly string[]
}

interface BySecret {
  /** A secret shared with the issuer, at least 32 bytes, for HS256 signatures. */
  secret: string
  jwksUrl?: never
  algorithms?: never
}

export type JwtOptions = CommonOptions & (ByJwks | BySecret)

const MIN_SECRET_BYTES = 32
/** Most servers accept 8 to 16 KiB of headers. */
const MAX_TOKEN_CHARACTERS = 16_384
/** Never `none`, and never HS256: it would take the public key for a secret. */
const PUBLIC_KEY_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]
const JWKS_TIMEOUT_MS = 5_000

/**
 * Authenticates signed-in people by a JSON Web Token in `Authorization: Bearer …`. Checks its signature,
 * issuer, audience and times.
 *
 * @throws ConfigError when the options are not valid.
 * @example
 * authenticate: jwt({ jwksUrl: 'https://login.example.com/.well-known/jwks.json', issuer: 'https://login.example.com/', audience: 'agents' })
 */
export function jwt(options: JwtOptions): Authenticator {
  const { issuer, claims = bySubject } = options
  const { key, ...how } = howToVerify(options)
  return async (request) => {
    const token = bearerToken(request)
    if (token === null || issuerOf(token) !== issuer) return null
    return claims(await verify(token, key, how))
  }
}

function howToVerify(options: JwtOptions): JWTVerifyOptions & { key: JWTVerifyGetKey | Uint8Array } {
  const { issuer, audience, clockToleranceSeconds = 5 } = options
  if (typeof issuer !== 'string' || issuer === '') throw new ConfigError('jwt: issuer is needed.')
  const audiences = typeof audience === 'string' ? [audience] : [...(audience ?? [])]
  if (audiences.length === 0 || audiences.includes('')) throw new ConfigError('jwt: audience is needed.')
  const common = {
    issuer,
    audience: audiences,
    clockTolerance: clockToleranceSeconds,
    // A token that never expires could never be revoked.
    requiredClaims: ['exp'],
  }
  if ((options.jwksUrl === undefined) === (options.secret === undefined)) {
    throw new ConfigError('jwt: either jwksUrl or secret is needed.')
  }
  if (options.secret !== undefined) {
    const key = new TextEncoder().encode(options.secret)
    if (key.length < MIN_SECRET_BYTES) {
      throw new ConfigError(
        `jwt: secret must have at least ${MIN_SECRET_BYTES} bytes, such as 64 hexadecimal digits.`,
      )
    }
    return { ...common, key, algorithms: ['HS256'] }
  }
  const algorithms = [...(options.algorithms ?? PUBLIC_KEY_ALGORITHMS)]
  const unfit = algorithms.filter((algorithm) => !PUBLIC_KEY_ALGORITHMS.includes(algorithm))
  if (unfit.length > 0) throw new ConfigError(`jwt: ${unfit.join(', ')} can't be checked by a public key.`)
  const key = createRemoteJWKSet(toUrl(options.jwksUrl), { timeoutDuration: JWKS_TIMEOUT_MS })
  return { ...common, key, algorithms }
}

function toUrl(url: string | URL): URL {
  const parsed = URL.parse(url)
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw new ConfigError('jwt: jwksUrl must be an HTTP(S) URL.')
  return parsed
}

/** The unverified contents of a token; undefined if it is not a JSON Web Token. */
function issuerOf(token: string): string | undefined {
  if (token.length > MAX_TOKEN_CHARACTERS) return undefined
  try {
    return decodeJwt(token).iss
  } catch {
    return undefined
  }
}

async function verify(
  token: string,
  key: JWTVerifyGetKey | Uint8Array,
  how: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    // Two overloads, of one implementation.
    const { payload } = await (typeof key === 'function'
      ? jwtVerify(token, key, how)
      : jwtVerify(token, key, how))
    return payload
  } catch (cause) {
    if (cause instanceof errors.JWTExpired) {
      throw new AgentRuntimeError('unauthorized', 'The token has expired. Sign in again.', { cause })
    }
    if (cause instanceof errors.JOSEError && !OF_THE_KEYS.has(cause.code)) {
      throw new AgentRuntimeError('unauthorized', 'The token is not valid.', { cause })
    }
    throw new AgentRuntimeError(
      'unavailable',
      'The keys for checking tokens are not available. Try again in a moment.',
      {
        cause,
      },
    )
  }
}

/** Missing keys are not the caller's fault, so the answer is 503. */
const OF_THE_KEYS: ReadonlySet<string> = new Set(['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'])

function bySubject({ sub }: JWTPayload): Principal | null {
  return sub === undefined ? null : { id: sub, tenantId: '', kind: 'user' }
}
