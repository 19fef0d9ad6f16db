import type { PendingWait } from '../../../client/index.ts'
import { ApprovalCard } from './approval-card.tsx'
import { approvalOf } from './approval-of.ts'
import type { AssistantRun } from './use-chat.ts'

/** What a run that waits asks for, at the end of the conversation. */
export function PendingWaits({ run, onAnswered }: { run: AssistantRun; onAnswered: () => void }) {
  async function answer(wait: PendingWait, approved: boolean, hash: string) {
    const taken = await run.respond(wait.name, { approved, hash })
    if (taken) onAnswered()
  }

  return run.waits.map((wait) => {
    const approval = approvalOf(wait)
    return approval === null ? (
      <li key={wait.name} className="notice">
        {wait.kind === 'sleep'
          ? 'Pauses for a while.'
          : `Waits for “${wait.name}”, which this page can't give.`}
      </li>
    ) : (
      <ApprovalCard
        key={wait.name}
        approval={approval}
        onAnswer={(approved) => answer(wait, approved, approval.hash)}
      />
    )
  })
}
