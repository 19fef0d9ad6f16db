import { Config, ConfigError, ENVIRONMENT } from './config.ts'
import type { Settings } from './config.ts'
import { PROVIDERS } from './providers.ts'
import { foreignVariables, misspeltVariables, unknownSettings } from './unknown-settings.ts'

/**
 * Settings from code over settings from the environment over defaults.
 *
 * @throws ConfigError naming every setting that is wrong.
 */
export function resolveConfig(
  settings: Settings = {},
  env: Record<string, string | undefined> = process.env,
): Config {
  const fromEnvironment = Object.fromEntries(
    Object.entries(ENVIRONMENT).flatMap(([key, name]) =>
      env[name] === undefined || env[name] === '' ? [] : [[key, env[name]]],
    ),
  )
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
  const parsed = Config.safeParse({ ...fromEnvironment, ...given })
  const malformed = (parsed.error?.issues ?? []).map((issue) => {
    const key = String(issue.path[0])
    const name = (ENVIRONMENT as Record<string, string>)[key]
    return `${key}${name === undefined ? '' : ` (${name})`}: ${issue.message}`
  })
  const problems = [
    ...unknownSettings(settings, Object.keys(Config.shape)),
    ...foreignVariables(env),
    ...malformed,
  ]
  if (parsed.success && problems.length === 0) return parsed.data
  throw new ConfigError(`Configuration is not valid. ${problems.join('; ')}`)
}

/** Read beside the settings. */
const FURTHER_VARIABLES = [
  ...Object.values(PROVIDERS).flatMap(({ keyVariable, urlVariable }) => [keyVariable, urlVariable]),
  PROVIDERS.openai.apiVariable,
  'LOG_LEVEL',
  'LOG_FORMAT',
]

/**
 * A sentence for each variable that is probably misspelt. It is not refused, since it may be meant for
 * another program.
 */
export function environmentWarnings(env: Record<string, string | undefined> = process.env): string[] {
  return misspeltVariables(env, [...Object.values(ENVIRONMENT), ...FURTHER_VARIABLES])
}
