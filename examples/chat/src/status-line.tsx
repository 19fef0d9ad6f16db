import type { PendingWait } from '../../../client/index.ts'
import type { AssistantRun } from './use-chat.ts'

const STATUS = {
  idle: '',
  queued: 'Waiting for a worker …',
  running: 'Answering …',
  // All waits that the page knows are answered, and no worker has continued the run yet.
  waiting: 'Waiting for a worker …',
  succeeded: '',
  failed: 'The answer failed.',
  cancelled: 'Stopped.',
  timed_out: 'The answer took too long.',
  not_found: 'This answer is not there any more.',
} as const satisfies Record<AssistantRun['status'], string>

interface StatusLineProps {
  run: AssistantRun
  isSending: boolean
}

export function StatusLine({ run, isSending }: StatusLineProps) {
  const text = run.isRecovering
    ? 'Connection lost. Reconnecting …'
    : isSending && !run.isActive
      ? 'Sending …'
      : (describeWaits(run.waits) ?? STATUS[run.status])
  return (
    <p className="status-line" role="status" data-recovering={run.isRecovering}>
      {text}
      {run.isActive && !run.isRecovering && (
        <span className="hint">
          <kbd>Esc</kbd> stops it
        </span>
      )}
    </p>
  )
}

function describeWaits(waits: readonly PendingWait[]): string | null {
  if (waits.some(({ kind }) => kind !== 'sleep')) return 'Waiting for you …'
  return waits.length > 0 ? 'Pausing …' : null
}
