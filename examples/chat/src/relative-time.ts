const UNITS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const satisfies [Intl.RelativeTimeFormatUnit, number][]

const format = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

/** "3 minutes ago", in the largest unit that has passed. */
export function relativeTime(then: Date, now: Date): string {
  const seconds = Math.max(0, (now.getTime() - then.getTime()) / 1_000)
  const unit = UNITS.find(([, length]) => seconds >= length)
  return unit === undefined ? 'just now' : format.format(-Math.floor(seconds / unit[1]), unit[0])
}
