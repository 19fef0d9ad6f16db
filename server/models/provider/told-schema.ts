import type { ResponseSchema } from '../../ports/model.ts'

/** What a model is told that its server can't hold to a form. */
export function toldSchema({ schema }: ResponseSchema): string {
  return `Answer with JSON alone, without marks of code around it, that fits this JSON Schema: ${JSON.stringify(schema)}`
}
