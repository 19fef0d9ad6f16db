import { describe, expect, test, vi } from 'vitest'
import type { McpConnection } from '../../../../server/mcp/connection.ts'
import { Pool } from '../../../../server/mcp/pool.ts'

/** A connection that is open until it is closed. */
function connection() {
  const made = { isOpen: true, close: vi.fn<() => Promise<void>>() }
  made.close.mockImplementation(async () => void (made.isOpen = false))
  return made
}

function poolOf(open: () => Promise<unknown>, idleMs = 60_000) {
  const onUsed = vi.fn<() => void>()
  const onEmpty = vi.fn<() => void>()
  const pool = new Pool({ open: open as () => Promise<McpConnection>, max: 1, idleMs, onUsed, onEmpty })
  return { pool, onUsed, onEmpty }
}

describe('connections to MCP servers', () => {
  test('are kept for the next user, and told of when the last is closed', async () => {
    const only = connection()
    const open = vi.fn<() => Promise<unknown>>(async () => only)
    const { pool, onUsed, onEmpty } = poolOf(open)
    await pool.use(async () => {})
    await pool.use(async () => {})
    expect(open).toHaveBeenCalledTimes(1)
    expect(onUsed).toHaveBeenCalledTimes(2)
    expect(onEmpty).not.toHaveBeenCalled()
    await pool.close()
    expect(only.isOpen).toBe(false)
    expect(onEmpty).toHaveBeenCalledTimes(1)
  })

  test('end when nobody has used them for a while', async () => {
    vi.useFakeTimers()
    const only = connection()
    const { pool, onEmpty } = poolOf(async () => only, 1_000)
    await pool.use(async () => {})
    vi.advanceTimersByTime(1_000)
    expect(only.isOpen).toBe(false)
    expect(onEmpty).toHaveBeenCalledTimes(1)
    vi.useRealTimers()
  })

  test('that were being opened while the others were closed are not kept', async () => {
    const late = connection()
    const opening = Promise.withResolvers<unknown>()
    const { pool, onEmpty } = poolOf(() => opening.promise)
    const used = pool.use(async (lent) => expect(lent.isOpen).toBe(true))
    await pool.close()
    opening.resolve(late)
    await used
    expect(late.isOpen).toBe(false)
    expect(onEmpty).toHaveBeenCalled()
  })

  test('that can not be opened leave nothing', async () => {
    const { pool, onEmpty } = poolOf(() => Promise.reject(new Error('refused')))
    await expect(pool.use(async () => {})).rejects.toThrow('refused')
    expect(onEmpty).toHaveBeenCalledTimes(1)
  })
})
