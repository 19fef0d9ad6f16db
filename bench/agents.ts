// What the agents of both sides do: the floor's worker and the system's run the very same functions.

/** Resolves when the next event may be emitted. */
type Emit = (type: 'assistant.message', payload: { messageId: string; content: string }) => Promise<void>

export type Behaviour = (emit: Emit) => Promise<void>

/** By agent key. */
export const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  noop: (emit) => emit('assistant.message', { messageId: '1', content: 'done' }),
}
