import type { Controls } from './lifecycle.ts'

const LOOK_EVERY_MS = 500

/**
 * Ends a command that npm, or one like it, has started when the process between them is gone. npm passes a SIGTERM to
 * the shell it runs scripts in; many a shell dies of that and tells nobody.
 */
export function heedParent({ stop }: Controls): void {
  if (process.env['npm_lifecycle_event'] === undefined) return
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) stop('Its parent is gone.')
  }, LOOK_EVERY_MS).unref()
}
