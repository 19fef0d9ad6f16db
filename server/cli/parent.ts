import type { Controls } from './lifecycle.ts'

const LOOK_EVERY_MS = 500

/**
 * Ends a command that npm or a similar tool started, when the process between them is gone. npm sends a
 * SIGTERM to the shell in which it runs scripts, and many shells die of it without passing it on.
 */
export function heedParent({ stop }: Controls): void {
  if (process.env['npm_lifecycle_event'] === undefined) return
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) stop('Its parent is gone.')
  }, LOOK_EVERY_MS).unref()
}
