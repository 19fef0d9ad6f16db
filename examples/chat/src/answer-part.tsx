import { memo } from 'react'
import type { MessagePart } from '../../../client/index.ts'
import { Markdown } from './markdown.tsx'
import { ReasoningStep, ToolStep } from './tool-step.tsx'

interface AnswerPartProps {
  part: MessagePart
  isStreaming: boolean
  isIncomplete: boolean
}

/** Rendered again only when the part changes: until then, a part is the same object. */
export const AnswerPart = memo(function AnswerPart({ part, isStreaming, isIncomplete }: AnswerPartProps) {
  switch (part.type) {
    case 'reasoning':
      return <ReasoningStep text={part.text} isRunning={isStreaming} />
    case 'tool':
      return <ToolStep part={part} />
    case 'text':
      return (
        part.text !== '' && (
          <div className="message assistant" data-streaming={isStreaming}>
            <Markdown text={part.text} isStreaming={isStreaming || isIncomplete} />
          </div>
        )
      )
    default:
      return null
  }
})
