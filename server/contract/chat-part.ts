import { z } from 'zod'
import type { Part } from './message-part.ts'

const TextPart = z.object({ type: z.literal('text'), text: z.string() })
const ImagePart = z.object({
  type: z.literal('image_url'),
  image_url: z.object({ url: z.string(), detail: z.enum(['auto', 'low', 'high']).optional() }),
})
const InputAudioPart = z.object({
  type: z.literal('input_audio'),
  input_audio: z.object({ data: z.string(), format: z.enum(['wav', 'mp3']) }),
})
const AudioUrlPart = z.object({ type: z.literal('audio_url'), audio_url: z.object({ url: z.string() }) })
const FilePart = z.object({
  type: z.literal('file'),
  file: z.object({
    file_data: z.string().optional(),
    file_id: z.string().optional(),
    file_url: z.string().optional(),
    filename: z.string().optional(),
  }),
})
const RefusalPart = z.object({ type: z.literal('refusal'), refusal: z.string() })
const ReasoningPart = z.object({ type: z.literal('reasoning'), text: z.string() })

export const ChatPart = z.discriminatedUnion('type', [
  TextPart,
  ImagePart,
  InputAudioPart,
  AudioUrlPart,
  FilePart,
  RefusalPart,
  ReasoningPart,
])
export type ChatPart = z.infer<typeof ChatPart>

/** OpenAI's names of audio formats, by media type. */
const AUDIO = { wav: 'data:audio/wav;base64,', mp3: 'data:audio/mpeg;base64,' } as const

/** The audio in OpenAI's format; undefined if OpenAI has no format for it. */
export function inputAudio(url: string): { data: string; format: keyof typeof AUDIO } | undefined {
  for (const format of ['wav', 'mp3'] as const) {
    if (url.startsWith(AUDIO[format])) return { data: url.slice(AUDIO[format].length), format }
  }
  return undefined
}

export function fromPart(part: ChatPart): Part {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return part
    case 'refusal':
      return { type: 'refusal', text: part.refusal }
    case 'image_url':
      return { type: 'image', ...part.image_url }
    case 'input_audio':
      return { type: 'audio', url: AUDIO[part.input_audio.format] + part.input_audio.data }
    case 'audio_url':
      return { type: 'audio', url: part.audio_url.url }
    case 'file': {
      const { file_data, file_url, file_id, filename } = part.file
      const url = file_data ?? file_url
      return {
        type: 'file',
        ...(url !== undefined && { url }),
        ...(file_id !== undefined && { fileId: file_id }),
        ...(filename !== undefined && { filename }),
      }
    }
  }
}

export function toChatPart(part: Part): ChatPart {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return part
    case 'refusal':
      return { type: 'refusal', refusal: part.text }
    case 'image': {
      const { url, detail } = part
      return { type: 'image_url', image_url: { url, ...(detail !== undefined && { detail }) } }
    }
    case 'audio': {
      const audio = inputAudio(part.url)
      return audio === undefined
        ? { type: 'audio_url', audio_url: { url: part.url } }
        : { type: 'input_audio', input_audio: audio }
    }
    case 'file': {
      const { url, fileId, filename } = part
      return {
        type: 'file',
        file: {
          ...(url !== undefined && (url.startsWith('data:') ? { file_data: url } : { file_url: url })),
          ...(fileId !== undefined && { file_id: fileId }),
          ...(filename !== undefined && { filename }),
        },
      }
    }
  }
}
