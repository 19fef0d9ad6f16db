import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { AgentProvider, client } from './agents.ts'
import { App } from './app.tsx'
import { useUser, useVisit } from './user.ts'

const root = document.getElementById('root')
if (root === null) throw new Error('The page has no #root.')

function Page() {
  const user = useUser()
  return (
    <AgentProvider client={client} identity={user}>
      <App key={useVisit(user)} />
    </AgentProvider>
  )
}

createRoot(root).render(
  <StrictMode>
    <Page />
  </StrictMode>,
)
