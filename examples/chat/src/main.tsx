import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { AgentProvider, client } from './agents.ts'
import { App } from './app.tsx'

const root = document.getElementById('root')
if (root === null) throw new Error('The page has no #root.')

createRoot(root).render(
  <StrictMode>
    <AgentProvider client={client}>
      <App />
    </AgentProvider>
  </StrictMode>,
)
