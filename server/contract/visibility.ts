import { z } from 'zod'

/** Who may read an event: `internal` readers, people who debug, or everybody who may see the run. */
export type Visibility = z.infer<typeof Visibility>
export const Visibility = z.enum(['internal', 'debug', 'user'])
