// oxlint-disable-next-line no-unused-vars -- What is left is what was said.
const strip = ({ id, run_id, runId, timestamp, createdAt, parent_id, parentId, ...said }: Kept) => said

type Kept = Record<string, unknown>

/** Messages as they were sent, from answered ones: without ids and other differences. */
export function said(messages: unknown): object[] {
  return (messages as Kept[]).map(strip)
}
