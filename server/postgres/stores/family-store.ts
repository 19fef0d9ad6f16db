import type { FamilyStore } from '../../ports/store/family-store.ts'
import { handOff } from '../statements/hand-off.ts'
import { startChild } from '../statements/start-child.ts'
import { takePlacesBelow } from '../statements/take-places-below.ts'
import { tellFamilies } from '../statements/tell-families.ts'
import type { StoreParts } from './store-parts.ts'

export function createFamilyStore({ pool, delivering, visibilityOf, runsAtOnce }: StoreParts): FamilyStore {
  return {
    tellFamilies: (runIds) => delivering((deliver) => tellFamilies(pool, { runIds, visibilityOf }, deliver)),
    handOff: (from, next, options) =>
      delivering((deliver) =>
        handOff(pool, [from, next, options], { ...options, visibilityOf, runsAtOnce, deliver }),
      ),
    takePlacesBelow: (...asked) => takePlacesBelow(pool, ...asked),
    startChild: (...asked) => delivering((deliver) => startChild(pool, asked, deliver)),
  }
}
