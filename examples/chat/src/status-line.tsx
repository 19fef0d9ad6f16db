import type { AssistantRun } from './use-chat.ts'

const STATUS = {
  idle: '',
  queued: 'Waiting for a worker …',
  running: 'Answering …',
  waiting: 'Waiting for a reply …',
  succeeded: '',
  failed: 'The answer failed.',
  cancelled: 'Stopped.',
  timed_out: 'The answer took too long.',
} as const satisfies Record<AssistantRun['status'], string>

export function StatusLine({ run }: { run: AssistantRun }) {
  const text = run.isRecovering
    ? 'Connection lost. Reconnecting …'
    : run.isStarting
      ? 'Sending …'
      : STATUS[run.status]
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
