/** What is fuzzed, and how one case is named: a seed, a target and a number give the same case on every machine. */

import { Prng } from '../../src/base/prng.js'

export interface FuzzTarget {
  /** Makes up one case and tries it. Throws when something is wrong. */
  run(random: Prng): void | Promise<void>
  /** Looks once more at what all cases left behind. */
  finish?(): void | Promise<void>
  /** Lets go of everything, whatever has happened. */
  close?(): void | Promise<void>
}

export interface FuzzStart {
  readonly target: string
  readonly seed: number
  readonly from: number
  readonly count: number
  /** Word 0: cases done so far. A watcher sees a case that hangs. */
  readonly progress: SharedArrayBuffer
  /** No more cases after so many milliseconds. */
  readonly msMax: number
}

export type FuzzReport =
  | { readonly ok: true; readonly cases: number; readonly ms: number; readonly grownBytes: number }
  | { readonly ok: false; readonly index: number; readonly stack: string }

/** A stream of its own for each case. */
export function randomOf(seed: number, target: string, index: number): Prng {
  let mixed = Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)
  for (let i = 0; i < target.length; i++) mixed = Math.imul(mixed ^ target.charCodeAt(i), 0xc2b2ae35)
  return new Prng((mixed ^ (mixed >>> 15)) >>> 0)
}
