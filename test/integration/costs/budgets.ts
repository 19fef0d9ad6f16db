/**
 * What a run may cost, in counts that are the same on every machine. The margins are smaller than one more
 * statement.
 */
export const BUDGETS = {
  'statements per run': { today: 14, atMost: 14.5 },
  'statements per run with a conversation of its own': { today: 17, atMost: 17.5 },
  'statements per run of a tenant with a limit': { today: 18, atMost: 18.5 },
  'statements of a run of 100 deltas at once': { today: 14, atMost: 14.5 },
  'rows of a run of 100 deltas at once': { today: 3, atMost: 4 },
  'statements per delta that is followed': { today: 3, atMost: 3.5 },
  'bytes per delta over SSE': { today: 350, atMost: 360 },
  'bytes per delta over a WebSocket': { today: 271, atMost: 281 },
  'statements per second of an idle API and worker': { today: 8, atMost: 9 },
} satisfies Record<string, { today: number; atMost: number }>

export type Cost = keyof typeof BUDGETS
