import type { ReactNode } from 'react'
import { Agents } from './agents'

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <Agents>{children}</Agents>
      </body>
    </html>
  )
}
