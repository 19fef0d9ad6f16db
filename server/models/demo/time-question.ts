const ASKS_NOW = new RegExp(
  [
    String.raw`\bwhat(?:'s| is)? (?:the )?(?:current |local |exact )?(?:time|date)(?= (?:is it|now|today|in|at|right now|please|of day)\b| ?[?.!,]| ?$)`,
    String.raw`\bwhat (?:day|year|month) is (?:it|today)\b`,
    String.raw`\b(?:current|local) (?:time|date)\b`,
    String.raw`\btoday'?s date\b`,
    String.raw`\btime (?:is it|(?:right )?now)\b`,
    String.raw`\b(?:time|date) in [A-Z]`,
  ].join('|'),
  'i',
)

/** Whether a text asks for the time or the date, and where: an IANA zone, a place's name, or undefined. */
export function findTimeQuestion(text: string): { timeZone: string | undefined } | undefined {
  return ASKS_NOW.test(text) ? { timeZone: findPlace(text) } : undefined
}

function findPlace(text: string): string | undefined {
  const spoken = text.toLowerCase().replaceAll('_', ' ')
  if (/\b(?:utc|gmt)\b/.test(spoken)) return 'UTC'
  const zones = Intl.supportedValuesOf('timeZone')
  const mentions = (name: string) => new RegExp(String.raw`\b${name}\b`).test(spoken)
  const normal = (zone: string) => zone.toLowerCase().replaceAll('_', ' ')
  return (
    zones.find((zone) => mentions(normal(zone))) ??
    zones.find((zone) => mentions(normal(zone).slice(zone.lastIndexOf('/') + 1))) ??
    // A name nobody knows goes to the tool as well: its answer says what it wants instead.
    /\bin ((?:[A-Z][\w'-]*[ /]?)+)/.exec(text)?.[1]?.trim()
  )
}
