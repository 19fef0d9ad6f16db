import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../../../server/agent/define-tool.ts'

const tool = { name: 'find', description: 'Finds', input: z.object({}), execute: () => null }

describe('defining a tool', () => {
  test.each([
    ['descripton', 'Tool "find": there is no option descripton, did you mean description?'],
    ['needApproval', 'Tool "find": there is no option needApproval, did you mean needsApproval?'],
    ['timeout', 'Tool "find": there is no option timeout.'],
  ])('from JavaScript, the option %s is refused', (name, message) => {
    expect(() => defineTool({ ...tool, [name]: true })).toThrow(new TypeError(message))
  })

  test('a slip is told before what is missing for it', () => {
    const { name: _, ...rest } = tool
    // @ts-expect-error -- as JavaScript may have it
    expect(() => defineTool({ ...rest, nam: 'find' })).toThrow(/no option nam, did you mean name\?$/)
  })

  test('what is left undefined is left out', () => {
    expect(defineTool({ ...tool, ...{ extra: undefined } })).toMatchObject({ name: 'find' })
  })
})
