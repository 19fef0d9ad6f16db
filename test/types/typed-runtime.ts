// A runtime of an app, for tests of types only.
import { z } from 'zod'
import { createAgentRuntime, defineAgent, defineTool } from '../../server/index.ts'

const researcher = defineAgent({
  key: 'researcher',
  params: z.object({ depth: z.number().int(), tone: z.enum(['warm', 'terse']).default('warm') }),
  output: z.object({ report: z.string(), sources: z.array(z.string()) }),
  events: { 'research.progress': { schema: z.object({ percent: z.number() }) } },
  run: async () => ({ output: { report: '', sources: [] } }),
})

const greeter = defineAgent({
  key: 'greeter',
  params: z.object({ name: z.string().optional() }),
  output: z.object({ greeting: z.string() }),
  run: async () => ({ output: { greeting: '' } }),
})

const bare = defineAgent({ key: 'bare', run: async () => {} })

export const runtime = createAgentRuntime({ agents: [researcher, greeter, bare] })

const findShoes = defineTool({
  name: 'find_shoes',
  description: 'Finds shoes',
  input: z.object({ size: z.coerce.number<string>() }),
  output: z.object({ since: z.date() }),
  execute: () => ({ since: new Date() }),
})
const measureFeet = defineTool({
  name: 'measure_feet',
  description: 'Tells a size',
  input: z.object({}),
  output: z.string(),
  execute: () => '42',
})
const byJsonSchema = defineTool({
  name: 'by_json_schema',
  description: 'Finds a city',
  input: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  execute: ({ city }) => city,
})
const pickColor = {
  description: 'Has the user pick a color',
  input: z.object({ shades: z.number().default(3) }),
  output: z.object({ color: z.string() }),
}
const pickHue = { description: 'Has the user pick a hue', input: z.object({ hues: z.array(z.string()) }) }

const shoes = defineAgent({
  key: 'shoes',
  tools: {
    pick_color: pickColor,
    find_shoes: findShoes,
    measure_feet: measureFeet,
    by_json_schema: byJsonSchema,
  },
  run: async () => {},
})
const painter = defineAgent({ key: 'painter', tools: { pick_color: pickHue }, run: async () => {} })

/** An app whose agents declare their tools. */
export const shops = createAgentRuntime({ agents: [shoes, painter, bare] })
