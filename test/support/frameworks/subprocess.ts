import { fileURLToPath } from 'node:url'
import { subprocessAgent } from '../../../server/frameworks/subprocess/index.ts'
import { createOpenAIModel } from '../../../server/models/openai/index.ts'
import type { FrameworkPorts } from './effects.ts'

export const subprocess = ({ effectsFile, providerUrl }: FrameworkPorts) =>
  subprocessAgent({
    key: 'subprocess',
    command: 'python3',
    args: [fileURLToPath(new URL('../../fixtures/subprocess/conformance.py', import.meta.url))],
    env: { EFFECTS_FILE: effectsFile },
    model: createOpenAIModel({ apiKey: 'key', baseURL: providerUrl, model: 'm' }),
    // Each test of one framework creates the agents of all.
    warm: 0,
  })
