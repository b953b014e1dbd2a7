/** Feature gates: which there are, what is on unless said otherwise, and how `--feature-gates` is written. */

export type GateStage = 'ALPHA' | 'BETA'

interface GateSpec {
  readonly stage: GateStage
  readonly default: boolean
}

const GATES = {
  StopGRPCServiceOnDefrag: { stage: 'ALPHA', default: false },
  TxnModeWriteWithSharedBuffer: { stage: 'BETA', default: true },
  InitialCorruptCheck: { stage: 'ALPHA', default: false },
  CompactHashCheck: { stage: 'ALPHA', default: false },
  LeaseCheckpoint: { stage: 'ALPHA', default: false },
  LeaseCheckpointPersist: { stage: 'ALPHA', default: false },
  SetMemberLocalAddr: { stage: 'ALPHA', default: false },
  FastLeaseKeepAlive: { stage: 'BETA', default: true },
  PriorityRequest: { stage: 'ALPHA', default: false },
  AllAlpha: { stage: 'ALPHA', default: false },
  AllBeta: { stage: 'BETA', default: false },
} as const satisfies Readonly<Record<string, GateSpec>>

export type GateName = keyof typeof GATES
export type Gates = Readonly<Record<GateName, boolean>>

export const GATE_NAMES: readonly GateName[] = Object.freeze(Object.keys(GATES) as GateName[])

export function gateStage(name: GateName): GateStage {
  return GATES[name].stage
}

export type GatesResult =
  | { readonly ok: true; readonly given: ReadonlyMap<GateName, boolean> }
  | { readonly ok: false; readonly message: string }

/** Parses `Gate=true,Other=false`. */
export function parseGates(text: string): GatesResult {
  const given = new Map<GateName, boolean>()
  for (const part of text.split(',').map((word) => word.trim())) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = (equals < 0 ? part : part.slice(0, equals)).trim()
    if (equals < 0) return { ok: false, message: `missing bool value for feature gate ${name}` }
    if (!isGate(name)) return { ok: false, message: `unrecognized feature gate: ${name}` }
    const value = part.slice(equals + 1).trim()
    if (!/^(true|false|1|0|t|f)$/i.test(value)) return { ok: false, message: `invalid value of ${name}: ${value}` }
    given.set(name, /^(true|1|t)$/i.test(value))
  }
  return { ok: true, given }
}

/** A gate that is named keeps its value; AllAlpha and AllBeta set the others of their stage. */
export function concludeGates(given: ReadonlyMap<GateName, boolean>): Gates {
  const allOf = { ALPHA: given.get('AllAlpha'), BETA: given.get('AllBeta') }
  const entries = GATE_NAMES.map((name): [GateName, boolean] => {
    const spec: GateSpec = GATES[name]
    const whole = name === 'AllAlpha' || name === 'AllBeta' ? undefined : allOf[spec.stage]
    return [name, given.get(name) ?? whole ?? spec.default]
  })
  return Object.freeze(Object.fromEntries(entries)) as Gates
}

function isGate(name: string): name is GateName {
  return Object.hasOwn(GATES, name)
}
