// The compiler's API, which TypeScript 7 does not have.
export { default as ts } from 'typescript'
