// vitest's default for `vi.waitFor`, a second, is little on a busy machine. It has no setting, as
// `expect.poll` has.
import { vi } from 'vitest'

/** For waits that never succeed. It is less than a test has, so that the test says what it waited for. */
const PATIENCE_MS = 30_000

const { waitFor, waitUntil } = vi

const patient = (options: Parameters<typeof waitFor>[1] = {}) =>
  typeof options === 'number' ? options : { timeout: PATIENCE_MS, ...options }

vi.waitFor = (callback, options) => waitFor(callback, patient(options))
vi.waitUntil = (callback, options) => waitUntil(callback, patient(options))
