export async function register() {
  if (process.env['NEXT_RUNTIME'] !== 'nodejs') return
  const { runtime } = await import('./lib/runtime')
  await runtime.startWorker() // or leave that to `agent-runtime worker`, in processes of their own
}
