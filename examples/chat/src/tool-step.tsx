import type { ReactNode } from 'react'
import type { Json, ToolPart } from '../../../client/index.ts'

const STATES: Record<ToolPart['state'], string> = {
  input: 'running …',
  called: 'running …',
  waiting: 'waits …',
  succeeded: 'done',
  failed: 'failed',
  interrupted: 'failed',
}

/** A call of a tool: one line, with details on demand. */
export function ToolStep({ part }: { part: ToolPart }) {
  return (
    <Step name={<code>{part.tool}</code>} state={STATES[part.state]}>
      <dl>
        <Detail name="Arguments" value={part.state === 'input' ? part.inputText : part.input} />
        {part.state === 'succeeded' && <Detail name="Result" value={part.output} />}
        {part.state === 'failed' && <Detail name="Error" value={part.error} />}
      </dl>
    </Step>
  )
}

export function ReasoningStep({ text, isRunning }: { text: string; isRunning: boolean }) {
  return (
    <Step name="Reasoning" state={isRunning ? 'running …' : 'done'}>
      <p className="reasoning">{text}</p>
    </Step>
  )
}

function Step({ name, state, children }: { name: ReactNode; state: string; children: ReactNode }) {
  return (
    <details className="tool-step" data-state={state}>
      <summary>
        {name} <span className="step-state">{state}</span>
      </summary>
      {children}
    </details>
  )
}

function Detail({ name, value }: { name: string; value: Json }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <pre tabIndex={0}>{typeof value === 'string' ? value : JSON.stringify(value, null, 2)}</pre>
      </dd>
    </>
  )
}
