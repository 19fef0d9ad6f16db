// The compiler's API, which TypeScript 7 has none of.
export { default as ts } from 'typescript'
