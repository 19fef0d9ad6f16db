// Searches messages for words. Each word becomes a regular expression of only its own characters, each in both cases,
// because PostgreSQL's own idea of upper and lower case depends on the database's locale.

/** How long a search may take. It is limited, since a search reads everything that its caller reaches. */
export const SEARCH_MS = 5_000

/** A pattern that matches the word literally, whatever characters it has. */
export function toPattern(word: string): string {
  return Array.from(word.normalize('NFC'), toCharacterPattern).join('')
}

function toCharacterPattern(character: string): string {
  const forms = new Set([character, character.toLowerCase(), character.toUpperCase()])
  const patterns = Array.from(forms, (form) => Array.from(form, toEscape).join(''))
  return patterns.length === 1 ? patterns.join('') : `(?:${patterns.join('|')})`
}

const toEscape = (character: string): string =>
  `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`

/** SQL condition: each of the patterns occurs in the title or messages of the conversation `r`. */
export function wordsOccur(patterns: string): string {
  return `NOT EXISTS (
    SELECT FROM unnest(${patterns}::text[]) AS word (pattern)
    WHERE (r.title ~ word.pattern) IS NOT TRUE AND NOT EXISTS (
      SELECT FROM agent_runtime.message m
      WHERE m.conversation_id = r.id AND m.body ->> 'role' IN ('user', 'assistant')
        AND CASE jsonb_typeof(m.body -> 'content')
          WHEN 'string' THEN m.body ->> 'content' ~ word.pattern
          WHEN 'array' THEN EXISTS (
            SELECT FROM jsonb_array_elements(m.body -> 'content') AS part
            WHERE part ->> 'type' = 'text' AND part ->> 'text' ~ word.pattern)
        END))`
}

/** SQL condition: each of the patterns occurs in the key or texts of the memory `r`. */
export function wordsOccurInMemory(patterns: string): string {
  return `NOT EXISTS (
    SELECT FROM unnest(${patterns}::text[]) AS word (pattern)
    WHERE r.key !~ word.pattern AND NOT EXISTS (
      SELECT FROM jsonb_path_query(r.value, 'strict $.**') AS part
      WHERE jsonb_typeof(part) IN ('string', 'number') AND part #>> '{}' ~ word.pattern))`
}
