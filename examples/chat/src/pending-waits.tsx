import type { PendingWait } from '../../../client/index.ts'
import { ApprovalCard } from './approval-card.tsx'
import { approvalOf } from './approval-of.ts'
import type { AssistantRun } from './use-chat.ts'

/** The questions of a run that waits, at the end of the conversation. */
export function PendingWaits({ run, onAnswered }: { run: AssistantRun; onAnswered: () => void }) {
  async function answer(wait: PendingWait, approved: boolean, hash: string) {
    const taken = await run.respond(wait.name, { approved, hash }, { occurrence: wait.occurrence ?? 1 })
    if (taken) onAnswered()
  }

  return run.waits.map((wait, index) => {
    const approval = approvalOf(wait)
    return approval === null ? (
      <li key={keyOf(wait, index)} className="notice">
        {wait.kind === 'sleep'
          ? 'Pauses for a while.'
          : `Waits for “${wait.name}”, which this page can't give.`}
      </li>
    ) : (
      <ApprovalCard
        key={approval.toolCallId ?? keyOf(wait, index)}
        approval={approval}
        onAnswer={(approved) => answer(wait, approved, approval.hash)}
      />
    )
  })
}

/** Two waits may have one name: the same call, asked for twice. */
const keyOf = ({ name }: PendingWait, index: number) => `${name}/${index}`
