import { randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { CountReporter } from './test/support/count-reporter.ts'

/** For what hangs. What merely computes, a property of a hundred cases say, gets little of a busy machine's time. */
const LIMITS = { testTimeout: 60_000, hookTimeout: 60_000 }
/** A scenario of more runs than usual takes longer. */
const FAULTS_LENGTH = Math.max(1, Number(process.env['FAULTS_RUNS'] ?? 500) / 500)
const FAULTS = {
  // A scenario at a time, after the rest: they want the machine for themselves.
  maxWorkers: 1,
  sequence: { groupOrder: 1 },
  testTimeout: 600_000 * FAULTS_LENGTH,
  hookTimeout: 60_000,
}
/** One for the whole suite. */
const FAULTS_SEED = process.env['FAULTS_SEED'] ?? String(randomInt(1e9))

export default defineConfig({
  test: {
    reporters: ['default', new CountReporter()],
    // Most of them wait for PostgreSQL or for processes.
    maxWorkers: Math.ceil(1.5 * availableParallelism()),
    // A second, which is the default, is little for a process to start in on a busy machine.
    expect: { poll: { timeout: 30_000 } },
    setupFiles: ['test/support/patience.ts'],
    // None by default: what fails now and then is a fault. A machine that stalls for seconds may be told to try once more.
    retry: Number(process.env['TEST_RETRIES'] ?? 0),
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.{ts,tsx}'],
          env: { REACT: '19' },
          ...LIMITS,
        },
      },
      {
        extends: true,
        test: {
          name: 'react-18',
          include: ['test/unit/react/**/*.test.{ts,tsx}'],
          setupFiles: ['test/support/react-18.ts'],
          env: { REACT: '18' },
          ...LIMITS,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.{ts,tsx}'],
          globalSetup: 'test/support/global-setup.ts',
          ...LIMITS,
        },
      },
      {
        extends: true,
        test: {
          name: 'types',
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            include: ['test/types/**/*.test-d.ts'],
            tsconfig: 'tsconfig.json',
            // The sources are checked by `npm run check:types`; here only what the tests say counts.
            ignoreSourceErrors: true,
          },
        },
      },
      // Processes that are killed under load. It takes ten minutes, so only its short form is part of `npm test`.
      {
        extends: true,
        test: {
          name: 'faults',
          include: ['test/faults/*.test.ts'],
          env: { FAULTS_SEED },
          ...FAULTS,
        },
      },
      {
        extends: true,
        test: {
          name: 'faults-short',
          include: ['test/faults/{verdict,killed-workers,killed-servers,lost-redis}.test.ts'],
          env: { FAULTS_SEED, FAULTS_RUNS: process.env['FAULTS_RUNS'] ?? '40' },
          ...FAULTS,
        },
      },
      // Needs a Chromium, so it is not part of `npm test`.
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 60_000,
        },
      },
      // Needs a LiteLLM proxy, so it is not part of `npm test`.
      {
        extends: true,
        test: {
          name: 'litellm',
          include: ['test/litellm/**/*.test.ts'],
          ...LIMITS,
        },
      },
      // Needs CrewAI, of a gigabyte, so it is not part of `npm test`.
      {
        extends: true,
        test: {
          name: 'crewai',
          include: ['test/crewai/**/*.test.ts'],
          globalSetup: 'test/support/global-setup.ts',
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
      // Needs the protocol's suite, of 52 MB, from the registry, so it is not part of `npm test`.
      {
        extends: true,
        test: {
          name: 'mcp',
          include: ['test/mcp/**/*.test.ts'],
          globalSetup: 'test/support/global-setup.ts',
          ...LIMITS,
        },
      },
      // Needs the package registry, so it is not part of `npm test`.
      {
        extends: true,
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          maxConcurrency: availableParallelism(),
          globalSetup: ['test/support/global-setup.ts', 'test/support/packed-package.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
