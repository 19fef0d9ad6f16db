// Words that a person types, looked for in what was said. As regular expressions without anything in them but the word's own
// characters, each in both cases: what PostgreSQL itself takes for upper and lower case depends on how the database was made.

/** How long a search may take: it goes through all that its caller reaches. */
export const SEARCH_MS = 5_000

/** A pattern that matches where the word occurs, whatever characters it has. */
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

/** SQL that is true for a conversation `r` in whose title or messages each of the patterns occurs. */
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

/** SQL that is true for a memory `r` in whose key or texts each of the patterns occurs. */
export function wordsOccurInMemory(patterns: string): string {
  return `NOT EXISTS (
    SELECT FROM unnest(${patterns}::text[]) AS word (pattern)
    WHERE r.key !~ word.pattern AND NOT EXISTS (
      SELECT FROM jsonb_path_query(r.value, 'strict $.**') AS part
      WHERE jsonb_typeof(part) IN ('string', 'number') AND part #>> '{}' ~ word.pattern))`
}
