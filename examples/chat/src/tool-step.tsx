import type { Json } from '../../../client/index.ts'
import type { Step } from './live-steps.ts'

const STATE = { running: 'running …', done: 'done', failed: 'failed' } as const

/** What an agent did on the way to its answer: one line, more on demand. */
export function ToolStep({ step }: { step: Step }) {
  return (
    <details className="tool-step" data-state={step.state}>
      <summary>
        {step.kind === 'tool' ? <code>{step.tool}</code> : 'Reasoning'}{' '}
        <span className="step-state">{STATE[step.state]}</span>
      </summary>
      {step.kind === 'reasoning' ? (
        <p className="reasoning">{step.text}</p>
      ) : (
        <dl>
          <Detail name="Arguments" value={step.arguments} />
          {step.result !== undefined && <Detail name="Result" value={step.result} />}
        </dl>
      )}
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
