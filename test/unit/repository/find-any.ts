import { relative } from 'node:path'
import { ts } from 'typescript-5'
import { isPrivate } from './is-private.ts'
import { createLeadsToAny } from './leads-to-any.ts'

interface Found {
  /** `file:line: text` of each. */
  places: string[]
  /** Declarations looked at. */
  visited: number
}

/**
 * Where the exports of the entries have an `any`, and each declaration below `own` that they name.
 * Declarations of other packages do not count.
 */
export function findAny(entries: readonly string[], own: string): Found {
  const program = ts.createProgram([...entries], {
    strict: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.NodeNext,
    jsx: ts.JsxEmit.ReactJSX,
    types: ['node'],
    typeRoots: [`${own}/../../@types`],
  })
  const checker = program.getTypeChecker()
  const leadsToAny = createLeadsToAny(checker, own)
  const seen = new Set<ts.Node>()
  const places = new Set<string>()

  function report(node: ts.Node): void {
    const file = node.getSourceFile()
    const { line } = file.getLineAndCharacterOfPosition(node.getStart())
    places.add(
      `${relative(own, file.fileName)}:${line + 1}: ${(isDeclared(node) ? node : node.parent).getText().slice(0, 200)}`,
    )
  }

  function visitSymbol(named: ts.Symbol | undefined): void {
    if (named === undefined) return
    const symbol = named.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(named) : named
    for (const declaration of symbol.declarations ?? []) {
      if (!declaration.getSourceFile().fileName.startsWith(own) || seen.has(declaration)) continue
      seen.add(declaration)
      visit(declaration)
    }
  }

  function visit(node: ts.Node): void {
    if (isPrivate(node)) return
    if (isAny(node)) report(node)
    if (ts.isIdentifier(node)) visitSymbol(checker.getSymbolAtLocation(node))
    ts.forEachChild(node, visit)
  }

  /** Also an `any` that nobody wrote: of a missing type, or of one that resolves to it. */
  function isAny(node: ts.Node): boolean {
    if (ts.isParameter(node) || isDeclared(node)) return node.type === undefined
    if (ts.isPropertyDeclaration(node) || ts.isVariableDeclaration(node)) {
      return node.type === undefined && node.initializer === undefined
    }
    if (ts.isExpressionWithTypeArguments(node)) return leadsToAny(checker.getTypeAtLocation(node))
    if (!ts.isTypeNode(node) || ts.isTemplateLiteralTypeSpan(node)) return false
    return leadsToAny(checker.getTypeFromTypeNode(node))
  }

  for (const entry of entries) {
    const file = program.getSourceFile(entry)
    const module = file && checker.getSymbolAtLocation(file)
    if (module === undefined) throw new Error(`${entry} is no module.`)
    for (const exported of checker.getExportsOfModule(module)) visitSymbol(exported)
  }
  return { places: [...places].toSorted(), visited: seen.size }
}

/** Declarations with a type of their own, or with one that they return. */
function isDeclared(
  node: ts.Node,
): node is
  | ts.PropertySignature
  | ts.MethodSignature
  | ts.MethodDeclaration
  | ts.GetAccessorDeclaration
  | ts.FunctionDeclaration
  | ts.CallSignatureDeclaration
  | ts.ConstructSignatureDeclaration {
  return (
    ts.isPropertySignature(node) ||
    ts.isMethodSignature(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isGetAccessorDeclaration(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isCallSignatureDeclaration(node) ||
    ts.isConstructSignatureDeclaration(node)
  )
}
