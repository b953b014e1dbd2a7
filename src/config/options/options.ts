/** Every option there is, in the order of --help. */

import { CLUSTER_OPTIONS } from './cluster-options.js'
import { IDLE_OPTIONS } from './idle-options.js'
import { MEMBER_OPTIONS } from './member-options.js'
import { OPERATING_OPTIONS } from './operating-options.js'
import { SECTIONS, type OptionSpec } from './option-spec.js'
import { RESOURCE_OPTIONS } from './resource-options.js'
import { SECURITY_OPTIONS } from './security-options.js'
import { THREAD_OPTIONS } from './thread-options.js'

export const OPTIONS: readonly OptionSpec[] = Object.freeze(
  [
    ...MEMBER_OPTIONS,
    ...CLUSTER_OPTIONS,
    ...SECURITY_OPTIONS,
    ...RESOURCE_OPTIONS,
    ...OPERATING_OPTIONS,
    ...THREAD_OPTIONS,
    ...IDLE_OPTIONS,
  ].toSorted((a, b) => SECTIONS.indexOf(a.section) - SECTIONS.indexOf(b.section)),
)

const BY_NAME: ReadonlyMap<string, OptionSpec> = new Map(OPTIONS.map((spec) => [spec.name, spec]))

export function optionNamed(name: string): OptionSpec | undefined {
  return BY_NAME.get(name)
}
