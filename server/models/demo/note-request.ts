const ASKS_TO_NOTE =
  /^\W*(?:please |(?:can|could|would) you (?:please )?)?(?:save|take|make|write|add|keep) (?:me )?(?:a |this |the )?note\b(?: down)?(?:\s*[:,]\s*|\s+(?:that|saying|to|about)\s+|\s+)(\S[^]*)$/i

/** What a text asks to be noted, all of it: a note may have commas, questions and sums in it. */
export function findNote(text: string): string | undefined {
  return ASKS_TO_NOTE.exec(text)?.[1]?.trim()
}
