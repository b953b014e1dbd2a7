/** Spellings of earlier releases, `--experimental-…`: which option or feature gate each of them has become. */

import type { GateName } from './sections/feature-gates.js'
import { optionNamed, OPTIONS } from './options/options.js'
import type { OptionSpec } from './options/option-spec.js'

const PREFIX = 'experimental-'

const GATES: ReadonlyMap<string, GateName> = new Map([
  ['initial-corrupt-check', 'InitialCorruptCheck'],
  ['compact-hash-check-enabled', 'CompactHashCheck'],
  ['enable-lease-checkpoint', 'LeaseCheckpoint'],
  ['enable-lease-checkpoint-persist', 'LeaseCheckpointPersist'],
  ['stop-grpc-service-on-defrag', 'StopGRPCServiceOnDefrag'],
  ['txn-mode-write-with-shared-buffer', 'TxnModeWriteWithSharedBuffer'],
  ['set-member-localaddr', 'SetMemberLocalAddr'],
])

const RENAMED: ReadonlyMap<string, OptionSpec> = new Map(
  OPTIONS.flatMap((spec) => (spec.experimental === undefined ? [] : [[spec.experimental, spec] as const])),
)

/** What a name of the command line, the environment or the file stands for. */
export type Meaning =
  | { readonly kind: 'option'; readonly spec: OptionSpec; readonly warning: string | null }
  | { readonly kind: 'gate'; readonly gate: GateName; readonly warning: string }

export function meaningOf(name: string): Meaning | null {
  const spec = optionNamed(name)
  if (spec !== undefined) return { kind: 'option', spec, warning: null }
  if (!name.startsWith(PREFIX)) return null
  const rest = name.slice(PREFIX.length)
  const renamed = RENAMED.get(rest)
  if (renamed !== undefined) {
    return { kind: 'option', spec: renamed, warning: `--${name} is deprecated: use --${renamed.name}` }
  }
  const gate = GATES.get(rest)
  if (gate === undefined) return null
  return { kind: 'gate', gate, warning: `--${name} is deprecated: use --feature-gates=${gate}=true` }
}

/** Every spelling of an earlier release that is taken. */
export function experimentalNames(): readonly string[] {
  return [...RENAMED.keys(), ...GATES.keys()].map((name) => PREFIX + name)
}
