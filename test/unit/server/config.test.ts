import { describe, expect, test } from 'vitest'
import { Config } from '../../../server/config/config.ts'
import { ENVIRONMENT } from '../../../server/config/environment.ts'
import { ConfigError } from '../../../server/config/config-error.ts'
import { environmentWarnings, resolveConfig } from '../../../server/config/resolve-config.ts'

describe('configuration', () => {
  test('everything has a default but the database', () => {
    const config = resolveConfig({}, {})
    expect(config.databaseUrl).toBeUndefined()
    expect(config).toMatchObject({
      concurrency: 20,
      debugMode: false,
      restPath: '/api/agents',
      maxAttempts: 3,
    })
  })

  test('code goes before environment, environment before defaults', () => {
    const env = { CONCURRENCY: '7', MAX_ATTEMPTS: '9' }
    expect(resolveConfig({ concurrency: 3 }, env)).toMatchObject({ concurrency: 3, maxAttempts: 9 })
  })

  test('undefined in code and an empty variable count as not set', () => {
    expect(resolveConfig({ concurrency: undefined as never }, { CONCURRENCY: '' }).concurrency).toBe(20)
  })

  test.each([
    ['true', true],
    ['True', true],
    ['FALSE', false],
    ['1', true],
    ['false', false],
    ['0', false],
  ])('DEBUG_MODE=%s', (text, expected) => {
    expect(resolveConfig({}, { DEBUG_MODE: text }).debugMode).toBe(expected)
  })

  test('what gets old is compacted after an hour and kept, unless told otherwise', () => {
    expect(resolveConfig({}, {})).toMatchObject({ compactAfterSeconds: 3600, retentionDays: false })
    for (const off of ['off', 'false']) {
      const env = { COMPACT_AFTER_SECONDS: off, RETENTION_DAYS: off }
      expect(resolveConfig({}, env)).toMatchObject({ compactAfterSeconds: false, retentionDays: false })
    }
    expect(resolveConfig({ retentionDays: 30 }, {}).retentionDays).toBe(30)
    expect(resolveError({ RETENTION_DAYS: '0' })?.message).toContain(
      'expected "off" or a number from 1 to 36500',
    )
  })

  test('runs below one are at least as many as it may start itself', () => {
    expect(resolveConfig({}, {}).maxRunsBelow).toBe(1_000)
    expect(resolveConfig({ maxChildRuns: 500 }, {}).maxRunsBelow).toBe(1_000)
    expect(resolveConfig({}, { MAX_CHILD_RUNS: '10000' }).maxRunsBelow).toBe(10_000)
    const both = { maxChildRuns: 2_000, maxRunsBelow: 2_000 }
    expect(resolveConfig(both, {})).toMatchObject(both)
    for (const [settings, env] of [
      [{ maxChildRuns: 2_000, maxRunsBelow: 1_999 }, {}],
      [{}, { MAX_CHILD_RUNS: '2000', MAX_RUNS_BELOW: '1999' }],
      [{ maxChildRuns: 2_000 }, { MAX_RUNS_BELOW: '1999' }],
    ] as const) {
      expect(() => resolveConfig(settings, env)).toThrow(
        new ConfigError(
          'Configuration is not valid. maxRunsBelow (MAX_RUNS_BELOW) is 1999, but must be at least maxChildRuns (MAX_CHILD_RUNS), which is 2000',
        ),
      )
    }
    expect(() => resolveConfig({ maxRunsBelow: 20 }, {})).toThrow(
      'maxChildRuns (MAX_CHILD_RUNS), which is 100',
    )
  })

  const takesAnyText = ['databaseUrl', 'directUrl', 'defaultModel', 'filesFolder']

  test.each(takesAnyText)('%s is read from the environment', (key) => {
    const name = ENVIRONMENT[key as keyof typeof ENVIRONMENT]
    expect(resolveConfig({}, { [name]: 'some text' })).toMatchObject({ [key]: 'some text' })
  })

  test.each(Object.entries(ENVIRONMENT).filter(([key]) => !takesAnyText.includes(key)))(
    '%s is read from %s, and a wrong value names both',
    (key, name) => {
      const error = resolveError({ [name]: 'no such thing' })
      expect(error).toBeInstanceOf(ConfigError)
      expect(error?.message).toContain(`${key} (${name})`)
    },
  )

  test('the names in the environment are the settings in capitals', () => {
    for (const [key, name] of Object.entries(ENVIRONMENT)) {
      const capitals = key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
      expect(name).toBe(key === 'registry' ? 'RUNTIME_REGISTRY' : capitals)
      expect(Object.keys(Config.shape)).toContain(key)
    }
  })

  test.each([
    ['postgres', 'postgres'],
    ['db', 'postgres'],
    ['redis', 'redis'],
    ['none', 'none'],
  ])('EVENT_BUS_BACKEND=%s', (text, expected) => {
    expect(resolveConfig({}, { EVENT_BUS_BACKEND: text }).eventBusBackend).toBe(expected)
  })

  test.each([
    ['postgres', 'postgres'],
    ['redis', 'redis'],
    ['redis_streams', 'redis'],
  ])('QUEUE_BACKEND=%s', (text, expected) => {
    expect(resolveConfig({}, { QUEUE_BACKEND: text }).queueBackend).toBe(expected)
  })

  test('a malformed REDIS_URL is refused without being repeated', () => {
    const error = resolveError({ REDIS_URL: 'http://:hunter2@redis' })
    expect(error?.message).toMatch(/redisUrl \(REDIS_URL\): must be a URL like redis:/)
    expect(error?.message).not.toContain('hunter2')
  })

  const durations = Object.keys(Config.shape).filter((key) => /(Seconds|Days)$/.test(key))

  test.each(durations)('%s has an end that timers and the database can hold', (key) => {
    for (const amount of [1e7, 1e12, 1e300]) {
      expect(() => resolveConfig({ [key]: key.endsWith('Days') ? amount : amount * 100 }, {})).toThrow(key)
    }
  })

  test('a setting that no timer could hold is refused with what it may be', () => {
    expect(resolveError({ LEASE_TTL_SECONDS: '6500000' })?.message).toMatch(
      /leaseTtlSeconds \(LEASE_TTL_SECONDS\): .*86400/,
    )
    expect(resolveError({ COMPACT_AFTER_SECONDS: '1e12' })?.message).toContain('from 60 to 315360000')
  })

  test('all that is wrong is named at once', () => {
    const error = resolveError({ CONCURRENCY: '0', LEASE_TTL_SECONDS: '1', DEBUG_MODE: 'perhaps' })
    for (const name of ['CONCURRENCY', 'LEASE_TTL_SECONDS', 'DEBUG_MODE'])
      expect(error?.message).toContain(name)
  })

  test('a wrong setting without a variable is named too', () => {
    expect(() => resolveConfig({ restPath: 'api' }, {})).toThrow(/restPath/)
    expect(() => resolveConfig({ eventVisibility: { 'run.failed': 'secret' as never } }, {})).toThrow(
      /eventVisibility/,
    )
  })

  test.each<[env: Record<string, string>, said: string]>([
    [{ MAX_RETRIES: '3' }, 'MAX_RETRIES: there is no such setting here; set maxAttempts (MAX_ATTEMPTS)'],
    [{ QUEUE_BACKEND: 'sqs' }, 'queueBackend (QUEUE_BACKEND)'],
    [{ ANONYMOUS_SESSION_MODEL: 'accounts.AnonymousSession' }, 'look the session up in `authenticate`'],
    [{ LANGFUSE_HOST: 'langfuse' }, 'langfuseHost (LANGFUSE_HOST)'],
    [{ RUNTIME_REGISTRY: 'myapp.agents:register_agents' }, 'such as ./agents.ts#registerAgents'],
    [{ EVENT_VISIBILITY: '{"tool.call":' }, 'eventVisibility (EVENT_VISIBILITY): expected an object'],
  ])('%j is refused with what to do instead', (env, said) => {
    expect(resolveError(env)?.message).toContain(said)
  })

  test('what is off or said otherwise too is no reason to refuse', () => {
    const env = { ANONYMOUS_SESSION_MODEL: 'None', QUEUE_BACKEND: 'postgres' }
    expect(resolveConfig({}, { ...env, MAX_RETRIES: '9', MAX_ATTEMPTS: '4' }).maxAttempts).toBe(4)
  })

  test('event visibility and registry are read from the environment too', () => {
    const env = { EVENT_VISIBILITY: '{"tool.call":"user"}', RUNTIME_REGISTRY: './a.ts#one, ./b.ts#two' }
    expect(resolveConfig({}, env)).toMatchObject({
      eventVisibility: { 'tool.call': 'user' },
      registry: ['./a.ts#one', './b.ts#two'],
    })
  })

  test('a setting that does not exist is refused with the nearest', () => {
    const wrong = { maxAttemps: 3, MAX_ATTEMPTS: 3, quiteElse: 1, maxRetries: 2, absent: undefined }
    expect(() => resolveConfig(wrong as never, {})).toThrow(
      'Configuration is not valid. maxAttemps: there is no such setting, did you mean maxAttempts?; ' +
        'MAX_ATTEMPTS: there is no such setting, did you mean maxAttempts?; ' +
        'quiteElse: there is no such setting; ' +
        'maxRetries: there is no such setting here; set maxAttempts (MAX_ATTEMPTS), which counts the first attempt too',
    )
  })

  test('a variable that is probably a slip is told', () => {
    const env = {
      DATABSE_URL: 'x',
      MAX_ATTEMPT: '3',
      PATH: '/bin',
      DATABASE_HOST: 'db',
      run_timeout_seconds: '1',
    }
    expect(environmentWarnings(env)).toEqual([
      'The variable DATABSE_URL is not read. Did you mean DATABASE_URL?',
      'The variable MAX_ATTEMPT is not read. Did you mean MAX_ATTEMPTS?',
      'The variable run_timeout_seconds is not read. Did you mean RUN_TIMEOUT_SECONDS?',
    ])
    expect(environmentWarnings({ ...env, DATABASE_URL: 'y' })).toHaveLength(2)
  })

  test('a timeout the database and timers could not hold is refused', () => {
    expect(() => resolveConfig({ runTimeoutSeconds: 2_147_484 }, {})).toThrow(
      /runTimeoutSeconds \(RUN_TIMEOUT_SECONDS\)/,
    )
    expect(resolveConfig({ runTimeoutSeconds: 2_147_483 }, {}).runTimeoutSeconds).toBe(2_147_483)
  })
})

function resolveError(env: Record<string, string>): Error | undefined {
  try {
    resolveConfig({}, env)
  } catch (error) {
    return error as Error
  }
  return undefined
}
