/** Gathers options from one source after the other and turns old spellings into today's. */

import { meaningOf, type Meaning } from './experimental.js'
import { parseGates, type GateName } from './sections/feature-gates.js'
import { defaultValues, isTrue, valueProblem, type RawOptions } from './option-values.js'

export type SetResult = { readonly ok: true } | { readonly ok: false; readonly problem: string }

const DONE: SetResult = { ok: true }
const GATES_OPTION = 'feature-gates'

export class OptionCollector {
  readonly #values = defaultValues()
  readonly #given = new Set<string>()
  readonly #warnings: string[] = []
  /** Gates by the old flag that set them. */
  readonly #oldGates = new Map<GateName, { readonly flag: string; readonly isOn: boolean }>()
  /** The old spelling by which an option was given. */
  readonly #oldNames = new Map<string, string>()

  given(name: string): boolean {
    return this.#given.has(name)
  }

  text(name: string): string {
    return this.#values.get(name) ?? ''
  }

  warn(message: string): void {
    this.#warnings.push(message)
  }

  /** The last of repeated values wins. */
  set(name: string, meaning: Meaning, value: string): SetResult {
    if (meaning.warning !== null && !this.#warnings.includes(meaning.warning)) this.warn(meaning.warning)
    if (meaning.kind === 'gate') return this.#setGate(name, meaning.gate, value)
    const { spec } = meaning
    const problem = valueProblem(spec, value)
    if (problem !== null) return { ok: false, problem }
    const other = this.#oldNames.get(spec.name)
    const isOld = name !== spec.name
    if (this.#given.has(spec.name) && other !== (isOld ? name : undefined)) {
      const old = isOld ? name : other
      return { ok: false, problem: `cannot be given together with --${isOld ? spec.name : old}` }
    }
    if (isOld) this.#oldNames.set(spec.name, name)
    this.#values.set(spec.name, value)
    this.#given.add(spec.name)
    return DONE
  }

  /** Everything that was given, with gates of old flags among the others. */
  finish(): { readonly ok: true; readonly raw: RawOptions } | { readonly ok: false; readonly problem: string } {
    const gates = parseGates(this.text(GATES_OPTION))
    for (const [gate, { flag, isOn }] of this.#oldGates) {
      if (gates.ok && gates.given.has(gate)) {
        return { ok: false, problem: `cannot specify both flags: --${flag} and --${GATES_OPTION}=${gate}` }
      }
      const before = this.text(GATES_OPTION)
      this.#values.set(GATES_OPTION, `${before}${before === '' ? '' : ','}${gate}=${isOn}`)
      this.#given.add(GATES_OPTION)
    }
    for (const name of this.#given) {
      const meaning = meaningOf(name)
      if (meaning?.kind === 'option' && meaning.spec.notice !== undefined) this.warn(meaning.spec.notice)
    }
    return { ok: true, raw: { values: this.#values, given: this.#given, warnings: this.#warnings } }
  }

  #setGate(flag: string, gate: GateName, value: string): SetResult {
    if (!/^(true|false|1|0|t|f)$/i.test(value)) return { ok: false, problem: 'not true or false' }
    this.#oldGates.set(gate, { flag, isOn: isTrue(value) })
    return DONE
  }
}
