/** Looks at every change of members before it is asked for and when it has ended, and has the answer judged. */

import { etcdErrors } from '../../proto/etcd-errors.js'
import type { MemberRecord } from '../../cluster/member-record.js'
import { reconfigProblem, type ReconfigEnd, type ReconfigKind } from '../checkers/reconfig-verdict.js'
import type { Links } from '../network/links.js'
import type { SimCluster } from '../world/sim-cluster.js'
import type { SimNode } from '../world/sim-node.js'
import type { World } from '../world/world.js'
import type { CallEnd } from './sim-connection.js'

/** A connection counts when it has lasted so long, as etcd has it. */
const LASTING_MS = 5000

export interface Reconfig {
  readonly kind: ReconfigKind
  /** Of a member; 0 for one that is still to get its id. */
  readonly id: bigint
}

export class ReconfigJudge {
  judged = 0
  readonly #world: World
  readonly #cluster: SimCluster
  readonly #links: Links

  constructor(world: World, cluster: SimCluster, links: Links) {
    this.#world = world
    this.#cluster = cluster
    this.#links = links
  }

  /** `asked` is about to hear of it. Call the answer with how it ends. */
  watch(asked: SimNode, change: Reconfig): (end: CallEnd) => void {
    const { lives } = asked
    const askedMs = this.#world.nowMs
    const before = asked.members()
    return (it) => {
      const end = endOf(it)
      const after = asked.members()
      if (end === null || before === null || after === null || asked.lives !== lives) return
      // Whether it knew of another change before or after it looked nobody can tell.
      if (!isSame(before, after, end === 'accepted' ? change : null)) return
      this.judged++
      const { isStrict } = this.#cluster
      const voters = before.filter(({ isLearner }) => !isLearner)
        .map((voter) => this.#seen(asked, voter, { change, askedMs }))
      const problem = reconfigProblem(change.kind, voters, { end, isStrict })
      if (problem !== null) this.#world.fail('correctness', `${asked.name}: ${problem}`)
    }
  }

  #seen(asked: SimNode, { id, name }: MemberRecord, about: { change: Reconfig; askedMs: number }) {
    const { change, askedMs } = about
    const node = this.#cluster.nodes.find(({ memberId }) => memberId === id)
    const bounds = (leastMs: number) => (node === undefined || node === asked
      ? { surely: false, maybe: false }
      : this.#links.connectedFor(leastMs, asked, node, askedMs))
    return {
      isTarget: id === change.id,
      isAsked: id === asked.memberId,
      isStarted: name !== '',
      connected: bounds(0),
      lasting: bounds(LASTING_MS),
    }
  }
}

/** Null for what no rule of this kind is about. */
function endOf(it: CallEnd): ReconfigEnd | null {
  if (it.kind === 'answered') return 'accepted'
  if (it.kind !== 'failed') return null
  if (it.text === etcdErrors.unhealthy.message) return 'unhealthy'
  return it.text === etcdErrors.memberNotEnoughStarted.message ? 'notEnoughStarted' : null
}

/** Are these the same members, but for this change? */
function isSame(before: readonly MemberRecord[], after: readonly MemberRecord[], change: Reconfig | null): boolean {
  const first = new Map(before.map((it) => [it.id, it]))
  const last = new Map(after.map((it) => [it.id, it]))
  if (change?.kind === 'remove') {
    if (!first.has(change.id)) return false
    first.delete(change.id)
  }
  for (const [id, { isLearner, name }] of last) {
    const known = first.get(id)
    const isAdded = change?.kind === 'addLearner' && known === undefined && isLearner && name === ''
    if (isAdded) last.delete(id)
    else if (known === undefined || (known.name === '') !== (name === '')) return false
    else if (known.isLearner !== (isLearner || (change?.kind === 'promote' && id === change.id))) return false
  }
  return first.size === last.size
}
