import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// `agent-runtime dev --web examples/chat` serves this page and the API on one origin. To serve the page
// alone with `vite examples/chat`, run `agent-runtime serve` beside it.
export default defineConfig({
  plugins: [react()],
  server: {
    proxy: {
      '/trpc': { target: 'http://127.0.0.1:3000', ws: true },
      '/api': { target: 'http://127.0.0.1:3000' },
    },
  },
})
