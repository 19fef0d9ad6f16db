/** Environment of a process with a wrong clock. */
export function skewedClock(skewMs: number): Record<string, string> {
  const module = new URL('skewed-clock.ts', import.meta.url).href
  return { NODE_OPTIONS: `--import ${module}`, CLOCK_SKEW_MS: String(skewMs) }
}
