import { useQuery } from '@tanstack/react-query'

/** Whether the built-in demo model answers. It is not a language model. */
export function useIsDemoModel(): boolean {
  const { data } = useQuery({
    queryKey: ['default-model'],
    queryFn: async ({ signal }) => {
      const response = await fetch('/api/agents/models/', { signal })
      const models = (await response.json()) as { default: string | null }
      return models.default
    },
    staleTime: Number.POSITIVE_INFINITY,
  })
  return data?.startsWith('demo/') ?? false
}
