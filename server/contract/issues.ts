// The problems of a value: zod's issues, and how others are told of them.

export type Issues = readonly Issue[]

interface Issue {
  path: PropertyKey[]
  message: string
  /** Of a union: what is wrong by each of its alternatives. */
  errors?: readonly (readonly Issue[])[]
}

/** What an error tells of what was sent: enough to mend it, however much is wrong. */
export const MAX_ISSUES = 10
const MAX_CHARACTERS = 200

/** @param prefix of the paths: what the value is called where it came from. */
export function detailsOf(issues: Issues, prefix: string[] = []): { path: string; message: string }[] {
  return issues
    .slice(0, MAX_ISSUES)
    .flatMap(ofBestAlternative)
    .slice(0, MAX_ISSUES)
    .map(({ path, message }) => ({
      path: shortened([...prefix, ...path].map(String).join('.')),
      message: shortened(message),
    }))
}

/** Of a union, what is wrong by the alternative that fits best: the one in which the problem lies deeper. */
function ofBestAlternative(issue: Issue): Issue[] {
  const depth = (issues: Issues) => issues[0]?.path.length ?? 0
  const [best] = (issue.errors ?? []).toSorted((a, b) => depth(b) - depth(a))
  if (best === undefined || depth(best) === 0) return [issue]
  return best.flatMap((inner) => ofBestAlternative({ ...inner, path: [...issue.path, ...inner.path] }))
}

/** One a problem: `path.to.field: what is wrong`. */
export function toProblems(issues: Issues): string[] {
  return detailsOf(issues).map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
}

/** What is repeated of a request in an answer. */
export function shortened(text: string): string {
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS)}…`
}
