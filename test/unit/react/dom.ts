// A document for React to render into. Only that: with happy-dom as the whole environment its own fetch
// and streams would stand in for Node's, which client and server talk through here.
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
