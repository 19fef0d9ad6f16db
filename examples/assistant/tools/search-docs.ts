import { glob, readFile } from 'node:fs/promises'
import path from 'node:path'
import MiniSearch, { type SearchResult } from 'minisearch'
import { z } from 'zod'
import { defineTool } from '../../../server/index.ts'
import { findDefinition } from './find-definition.ts'
import { splitSections } from './markdown-sections.ts'

interface Passage {
  id: number
  path: string
  heading: string
  text: string
}

const MAX_PASSAGES = 3
const MAX_QUOTE_LENGTH = 500
const STOP_WORDS = new Set(
  'a an and are as at be by can do does for from how i in is it of on or the to what when with'.split(' '),
)

/** A tool that searches the Markdown files of a folder: those at its top, and all under `docs/`. */
export function createSearchDocs(root: string) {
  let index: Promise<MiniSearch<Passage>> | undefined

  return defineTool({
    name: 'search_docs',
    description:
      "Searches this project's documentation and returns the passages that fit best, with their sources.",
    input: z.object({ query: z.string().min(1).max(500).describe('A few keywords.') }),
    async execute({ query }) {
      index ??= buildIndex(root)
      const found = search(await index.catch(forget), query)
      // Definitions come before other mentions.
      const isDefinition = (hit: SearchResult) => findDefinition(String(hit['text']), query) !== undefined
      const hits = [...found.filter(isDefinition), ...found.filter((hit) => !isDefinition(hit))]
      const best = hits.slice(0, MAX_PASSAGES).filter((hit) => hit.score >= (found[0]?.score ?? 0) / 3)
      return {
        query,
        passages: best.map((hit) => ({
          path: String(hit['path']),
          heading: String(hit['heading']),
          quote: findDefinition(String(hit['text']), query) ?? pickQuote(String(hit['text']), hit.terms),
        })),
      }
    },
  })

  // A folder that could not be read now may be readable at the next call.
  function forget(error: unknown): never {
    index = undefined
    throw error
  }
}

export const searchDocs = createSearchDocs(path.resolve(import.meta.dirname, '../../..'))

async function buildIndex(root: string): Promise<MiniSearch<Passage>> {
  const index = new MiniSearch<Passage>({
    fields: ['heading', 'text', 'path'],
    storeFields: ['path', 'heading', 'text'],
    processTerm: (term) => {
      const word = term.toLowerCase()
      return STOP_WORDS.has(word) ? null : stem(word)
    },
    searchOptions: {
      boost: { heading: 3 },
      prefix: (term) => term.length > 3,
      fuzzy: (term) => (term.length > 4 ? 0.2 : false),
    },
  })
  const files: string[] = []
  // The changelog has nearly every word in its lists, and tells what changed, not how things are.
  for await (const file of glob(['*.md', 'docs/**/*.md'], { cwd: root, exclude: ['CHANGELOG.md'] }))
    files.push(file)
  let id = 0
  for (const file of files.toSorted()) {
    const sections = splitSections(await readFile(path.join(root, file), 'utf8'))
    index.addAll(sections.map((section) => ({ id: id++, path: file.replaceAll(path.sep, '/'), ...section })))
  }
  return index
}

// Sections with all of the words come before sections with some of them.
function search(index: MiniSearch<Passage>, query: string): SearchResult[] {
  const hits = index.search(query, { combineWith: 'AND' })
  return hits.length > 0 ? hits : index.search(query)
}

// "retry", "retries" and "retried" must match. For documentation this crude way is enough.
function stem(word: string): string {
  return word.length > 4 ? word.replace(/(?:ying|ied|ies|ing|ed|es|y|s)$/, '') : word
}

/** The paragraph of a section that has most of the words, cut if it is too long to quote. */
function pickQuote(text: string, terms: readonly string[]): string {
  const score = (paragraph: string) => terms.filter((term) => paragraph.toLowerCase().includes(term)).length
  // A blank line inside a code block makes two halves, which cannot be quoted.
  const paragraphs = text.split(/\n\s*\n/).filter(isWhole)
  const [best = ''] = paragraphs.toSorted((one, other) => score(other) - score(one))
  if (best.length <= MAX_QUOTE_LENGTH) return best.trim()
  const cut = `${best.slice(0, best.lastIndexOf(' ', MAX_QUOTE_LENGTH)).trim()} …`
  return isWhole(cut) ? cut : `${cut}\n\`\`\``
}

function isWhole(markdown: string): boolean {
  return markdown.split('```').length % 2 === 1
}
