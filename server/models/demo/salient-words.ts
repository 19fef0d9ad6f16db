// Words that carry no topic: articles, pronouns, question words, politeness, and the verbs of asking.
const STOP_WORDS: ReadonlySet<string> = new Set(
  `a about actually again all also am an and any are as ask at be been being but by can cannot could define describe did do
  does doing done explain find for from get give go good got had has have having hello help her here hey hi him his how i if in
  into is isn't it its it's just know let like look made make many may me mean means might more most much must my need no not
  now of off ok okay on one only or other our out over please project search see shall she should show so some something
  such tell than thank thanks that that's the their them then there these they thing things this those to too under up us
  use used using very want was way we well were what what's when where which while who whom whose why will with work works
  would you your calculate compute evaluate documentation docs document documents readme library package`.split(
    /\s+/,
  ),
)

/** The words of a text that say what it is about, each once, in order. */
export function salientWords(text: string): string[] {
  const words = text.match(/[\p{L}\p{N}][\p{L}\p{N}_.'-]*[\p{L}\p{N}]|\p{L}/gu) ?? []
  const kept = words.filter((word) => word.length > 1 && !STOP_WORDS.has(word.toLowerCase()))
  return [...new Map(kept.map((word) => [word.toLowerCase(), word])).values()]
}
