import { ts } from 'typescript-5'
import { isPrivate } from './is-private.ts'

/** Instantiations may never end. */
const MAX_DEPTH = 12

/**
 * Whether a type contains an `any`, at the first call for it. Named types of other packages do not count.
 * What is built from them here does: mapped types, functions, unnamed objects.
 */
export function createLeadsToAny(checker: ts.TypeChecker, own: string): (type: ts.Type) => boolean {
  const seen = new Set<ts.Type>()

  const isOwn = (symbol: ts.Symbol | undefined) =>
    symbol?.declarations?.some((declaration) => declaration.getSourceFile().fileName.startsWith(own)) === true

  /** Members that a class or an interface inherits from other packages do not count. */
  function membersOf(type: ts.ObjectType): ts.Symbol[] {
    const isNamed = (type.objectFlags & ts.ObjectFlags.ClassOrInterface) !== 0 || hasArguments(type)
    return checker
      .getPropertiesOfType(type)
      .filter((member) => member.declarations?.some(isPrivate) !== true && (!isNamed || isOwn(member)))
  }

  /** Without defaults of another package: the third argument of an `AsyncIterable` is any. */
  function givenTo(type: ts.TypeReference): ts.Type[] {
    const parameters = type.target.typeParameters ?? []
    const isDefault = (given: ts.Type, index: number) => {
      const parameter = parameters[index]
      return parameter !== undefined && checker.getDefaultFromTypeParameter(parameter) === given
    }
    return checker.getTypeArguments(type).filter((given, index) => !isDefault(given, index))
  }

  function partsOf(type: ts.Type): ts.Type[] {
    if (type.isUnionOrIntersection()) return type.types
    if (!isObject(type)) return []
    const parts = hasArguments(type) ? givenTo(type) : []
    const isMade = (type.objectFlags & (ts.ObjectFlags.Anonymous | ts.ObjectFlags.Mapped)) !== 0
    // A type without arguments is as it is declared.
    if (!isMade && (!hasArguments(type) || !isOwn(type.symbol))) return parts
    for (const member of membersOf(type)) parts.push(checker.getTypeOfSymbol(member))
    for (const { type: indexed } of checker.getIndexInfosOfType(type)) parts.push(indexed)
    for (const signature of [...type.getCallSignatures(), ...type.getConstructSignatures()]) {
      for (const parameter of signature.getParameters()) parts.push(checker.getTypeOfSymbol(parameter))
      parts.push(signature.getReturnType())
    }
    return parts
  }

  function leadsToAny(type: ts.Type, depth: number): boolean {
    if ((type.flags & ts.TypeFlags.Any) !== 0) return true
    if (depth > MAX_DEPTH || seen.has(type)) return false
    seen.add(type)
    return partsOf(type).some((part) => leadsToAny(part, depth + 1))
  }

  return (type) => leadsToAny(type, 0)
}

const isObject = (type: ts.Type): type is ts.ObjectType => (type.flags & ts.TypeFlags.Object) !== 0

const hasArguments = (type: ts.ObjectType): type is ts.TypeReference =>
  (type.objectFlags & ts.ObjectFlags.Reference) !== 0
