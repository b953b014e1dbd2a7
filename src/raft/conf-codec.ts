/** Configurations and their changes between raftpb's wire form and the core's. */

import type { Bytes } from '../base/bytes.js'
import {
  decodeConfChange,
  decodeConfState,
  encodeConfState,
  type ConfState as WireConfState,
  type ConfStateInput,
} from '../proto/generated/raftpb.js'
import {
  ConfTransition,
  EMPTY_CONF_STATE,
  type ConfChange,
  type ConfChangeType,
  type ConfState,
} from './core/conf-change.js'

export function encodeConf(conf: ConfState): Bytes {
  return encodeConfState(confStateToWire(conf))
}

/** Empty bytes are the empty configuration. */
export function decodeConf(bytes: Bytes): ConfState {
  return bytes.length === 0 ? EMPTY_CONF_STATE : confStateFrom(decodeConfState(bytes))
}

export function confStateToWire(conf: ConfState): ConfStateInput {
  return {
    voters: [...conf.voters],
    learners: [...conf.learners],
    voters_outgoing: [...conf.votersOutgoing],
    learners_next: [...conf.learnersNext],
    auto_leave: conf.autoLeave,
  }
}

export function confStateFrom(wire: WireConfState | undefined): ConfState {
  if (wire === undefined) return EMPTY_CONF_STATE
  return {
    voters: wire.voters,
    votersOutgoing: wire.voters_outgoing,
    learners: wire.learners,
    learnersNext: wire.learners_next,
    autoLeave: wire.auto_leave,
  }
}

/** The change that a ConfChange entry asks for. */
export function confChangeOf(entryData: Bytes): ConfChange {
  const wire = decodeConfChange(entryData)
  return {
    transition: ConfTransition.auto,
    changes: [{ type: wire.type as ConfChangeType, nodeId: wire.node_id }],
  }
}
