import { z } from 'zod'
import { defineTool, ToolError } from '../../../server/index.ts'

export const currentTime = defineTool({
  name: 'current_time',
  description: 'Tells the current date and time in a time zone.',
  input: z.object({
    timeZone: z.string().max(100).default('UTC').describe('An IANA time zone, such as Europe/Berlin.'),
  }),
  execute({ timeZone }) {
    const now = new Date()
    return {
      timeZone,
      iso: now.toISOString(),
      date: format(now, timeZone, { dateStyle: 'full' }),
      time: format(now, timeZone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
    }
  },
})

function format(date: Date, timeZone: string, options: Intl.DateTimeFormatOptions): string {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone, ...options }).format(date)
  } catch (cause) {
    throw new ToolError(`There is no time zone "${timeZone}". Use an IANA name such as Europe/Berlin.`, {
      cause,
    })
  }
}
