// A document for React to render into, and nothing else. If happy-dom were the whole environment, its fetch
// and streams would replace Node's, which client and server use here.
import { Window } from 'happy-dom'

const window = new Window({ url: 'http://server.test/' })
const names = [
  'document',
  'navigator',
  'HTMLElement',
  'HTMLIFrameElement',
  'Node',
  'MutationObserver',
  'getComputedStyle',
]
for (const name of names) {
  Object.defineProperty(globalThis, name, {
    value: Reflect.get(window, name),
    configurable: true,
    writable: true,
  })
}
Object.assign(globalThis, { window, IS_REACT_ACT_ENVIRONMENT: true })
