import { Config } from './config.ts'
import type { Settings } from './config.ts'
import { ConfigError } from './config-error.ts'
import { ENVIRONMENT } from './environment.ts'
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
  const values: Record<string, unknown> = { ...fromEnvironment, ...given }
  const parsed = Config.safeParse(values)
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
  if (parsed.success) {
    const config = values['maxRunsBelow'] === undefined ? withRoomBelow(parsed.data) : parsed.data
    const { maxRunsBelow, maxChildRuns } = config
    if (maxRunsBelow < maxChildRuns) {
      problems.push(
        `maxRunsBelow (MAX_RUNS_BELOW) is ${maxRunsBelow}, but must be at least maxChildRuns (MAX_CHILD_RUNS), which is ${maxChildRuns}`,
      )
    }
    if (problems.length === 0) return config
  }
  throw new ConfigError(`Configuration is not valid. ${problems.join('; ')}`)
}

/** By default one run may start as many as `maxChildRuns` says, though that is more than the default of `maxRunsBelow`. */
function withRoomBelow(config: Config): Config {
  return { ...config, maxRunsBelow: Math.max(config.maxRunsBelow, config.maxChildRuns) }
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
