// The problems of a value: zod's issues, and how they are reported.

export type Issues = readonly Issue[]

interface Issue {
  path: PropertyKey[]
  message: string
  /** For a union: the problems with each of its alternatives. */
  errors?: readonly (readonly Issue[])[]
}

/** How many problems an error lists: enough to correct the request, however much is wrong. */
export const MAX_ISSUES = 10
const MAX_CHARACTERS = 200

/** @param prefix of the paths: the name of the value at the caller. */
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

/**
 * For a union, the problems with the alternative that fits best: the one in which the problem lies deepest.
 */
function ofBestAlternative(issue: Issue): Issue[] {
  const depth = (issues: Issues) => issues[0]?.path.length ?? 0
  const [best] = (issue.errors ?? []).toSorted((a, b) => depth(b) - depth(a))
  if (best === undefined || depth(best) === 0) return [issue]
  return best.flatMap((inner) => ofBestAlternative({ ...inner, path: [...issue.path, ...inner.path] }))
}

/** One line for each problem: `path.to.field: what is wrong`. */
export function toProblems(issues: Issues): string[] {
  return detailsOf(issues).map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
}

/** How much of a request an answer repeats. */
export function shortened(text: string): string {
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS)}…`
}
