// The kinds of values of settings. A value comes from code, or as text from a variable.
import { z } from 'zod'
import { isNetwork } from './networks.ts'

// `z.preprocess` is not used: its type differs between minor versions of zod, and an app brings its own
// version.
export const flag = z
  .unknown()
  .transform((value) => {
    if (/^(true|1)$/i.test(String(value))) return true
    return /^(false|0)$/i.test(String(value)) ? false : value
  })
  .pipe(z.boolean())

export function isRedisUrl(text: string): boolean {
  return URL.canParse(text) && ['redis:', 'rediss:'].includes(new URL(text).protocol)
}

/** Variables hold text. */
export function fromJson(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

/** An amount, or `off`. */
export function orOff(min: number, max: number, { isWhole = false } = {}) {
  const expected = `expected "off" or a ${isWhole ? 'whole ' : ''}number from ${min} to ${max}`
  const off = z.literal(['off', 'false']).transform(() => false as const)
  const amount = isWhole ? z.coerce.number<number>().int(expected) : z.coerce.number<number>()
  return z.union([z.literal(false), off, amount.min(min, expected).max(max, expected)], expected)
}

/** In a variable, separated by commas. */
export function listOf<T extends z.ZodType<string, string>>(item: T) {
  const list = z.string().transform((text) => text.split(',').map((one) => one.trim()))
  return z.union([list, z.array(z.string())]).pipe(z.array(item))
}

export const HeaderName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~\w-]+$/, { error: 'A header has a name such as x-team' })
  .transform((name) => name.toLowerCase())

export const Origin = z
  .string()
  .refine((origin) => origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin), {
    error: 'An origin is a scheme and a host, such as https://app.example.com',
  })

export const WebhookHost = z
  .string()
  .toLowerCase()
  .regex(/^(\*|(\*\.)?[\da-z]([\da-z.-]*[\da-z])?|\[[\da-f:.]+\])$/, {
    error: 'A host is a name such as hooks.example.com, *.example.com, or * for any',
  })

export const Network = z.string().refine(isNetwork, {
  error: 'A network is an address, such as 10.0.0.1 or 10.0.0.0/8, or one of loopback and private',
})

export const LangfuseKey = z.string().regex(/^\S+$/, 'a key has no spaces')
