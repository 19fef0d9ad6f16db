import type { SerializerProtocol } from '@langchain/langgraph-checkpoint'

/** A value as LangGraph's serializer writes it: its type and its text, which is base64 of all but JSON. */
export type Packed = readonly [type: string, text: string]

export async function pack(serde: SerializerProtocol, value: unknown): Promise<Packed> {
  const [type, bytes] = await serde.dumpsTyped(value)
  return [type, Buffer.from(bytes).toString(type === 'json' ? 'utf8' : 'base64')]
}

export async function unpack<T>(serde: SerializerProtocol, [type, text]: Packed): Promise<T> {
  return (await serde.loadsTyped(type, type === 'json' ? text : Buffer.from(text, 'base64'))) as T
}
