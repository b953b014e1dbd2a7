/** Builds the peer actor with its real neighbours and sockets. */

import { randomInt } from 'node:crypto'
import type { ThreadContext } from '../actor/thread-context.js'
import type { Config } from '../config/config.js'
import { FRAME_OVERHEAD_BYTES_MAX, MIB, entryRecordBytesMax } from '../config/limits.js'
import { peerAsker } from '../cluster/peer-request-socket.js'
import { openTlsMaterial, type TlsMaterial } from '../listen/tls-material-file.js'
import { frontMessages, type FrontMessages } from '../messages/front-messages.js'
import type { Sender } from '../messages/protocol.js'
import { Word } from '../messages/shared-words.js'
import { newestMark } from '../messages/state-marks.js'
import { raftMessages } from '../messages/raft-messages.js'
import type { Logger } from '../metrics/logger.js'
import { PeerPage } from '../metrics/peer-page.js'
import { callFields, FEATURES } from './streams/handshake.js'
import { Dialer, localAddressOf } from './streams/dial-socket.js'
import { CALL_PATH, MemberCalls } from './member-calls.js'
import { HASH_KV_PATH } from './hash-kv-json.js'
import { firstMembers } from './member-list.js'
import { PeerActor, type PeerContext } from './peer-actor.js'
import { HashKvServer } from './port/hash-kv-server.js'
import { MemberCallServer } from './port/member-call-server.js'
import { peerHttpServer, type OpenRoute, type PeerRoute } from './port/peer-http-server.js'
import { PeerListener } from './port/peer-listener-socket.js'
import type { PeerLimits } from './peer.js'
import { openSnapshots } from './snapshot/open-snapshots.js'

const SELF = { name: 'peer', index: 0 } as const
const RAFT = { name: 'raft', index: 0 } as const
const RANDOM_STEPS = 2 ** 32

const PING_MS = 1000
/** As etcd dials again. */
const RETRY_MS_MIN = 100
const RETRY_MS_MAX = 1000
/** Votes, heartbeats and answers are small: this much of them means that nobody reads. */
const URGENT_BYTES_MAX = 4 * MIB
/** Entries that may be on their way to one member; raft's own window is smaller. */
const APPEND_BYTES_MIN = 32 * MIB
/** A stream of entries whose end is held back by its disk is given so many times the patience. */
const APPEND_PATIENCE = 6

/** What of the actor's context is not made here. */
export interface PeerParts extends Omit<PeerContext, 'dial' | 'openPort'> {
  /** Null without TLS between members. */
  readonly material: TlsMaterial | null
  readonly localAddress: string | null
  readonly reusePort: boolean
  /** Beside those of snapshots. */
  readonly routes: ReadonlyMap<string, PeerRoute>
  readonly openRoutes: ReadonlyMap<string, OpenRoute>
  /** Another member says that this one was removed from the cluster. */
  readonly onGone: () => void
}

export async function openPeer(context: ThreadContext): Promise<PeerActor> {
  const { config, identity } = context.start
  const { clock, logger } = context
  const raft = context.senderTo(raftMessages, SELF, RAFT)
  const toRaft = context.writerTo(SELF, RAFT)
  const isRaftHere = context.threadOf('raft', 0) === context.start.threadIndex
  const { clusterId, memberId } = identity
  const self = { clusterId, memberId, peerUrls: config.advertisePeerUrls, features: FEATURES }
  const localAddress = config.gates.SetMemberLocalAddr ? localAddressOf(config.advertisePeerUrls) : null
  const fronts = context.sendersTo(frontMessages, SELF, 'front')
  const requestTurn = (): void => context.requestTurn()
  const asks = new MemberCalls({ ask: peerAsker(config.peerTls), fields: callFields(self), fronts, requestTurn })
  const answers = new MemberCallServer(fronts[0] as Sender<FrontMessages>, requestTurn)
  return connectPeer({
    self,
    first: firstMembers(identity.bootstrapEntries),
    limits: peerLimits(config),
    // Raft puts many short entries into one message, whatever the limit of a request.
    frameBytesMax: toRaft.recordBytesMax - FRAME_OVERHEAD_BYTES_MAX,
    clock,
    random: () => randomInt(RANDOM_STEPS) / RANDOM_STEPS,
    page: new PeerPage(context.start.peerPage),
    logger,
    raft,
    publishToRaft: () => {
      if (isRaftHere) toRaft.publish()
    },
    requestTurn,
    snapshots: openSnapshots(context, { self, localAddress, raft }),
    newestMark: () => newestMark(context.words, context.words.load(Word.appliedIndex)),
    material: await materialOf(config, logger),
    localAddress,
    reusePort: config.socketReusePort,
    routes: new Map([[`POST ${CALL_PATH}`, answers.onRequest]]),
    openRoutes: new Map([[HASH_KV_PATH, new HashKvServer(self.clusterId, answers).onRequest]]),
    calls: {
      onAskMember: (message, urls) => asks.onAskMember(message, urls),
      onAnswerMember: (message) => answers.onAnswerMember(message),
    },
    onGone: () => context.notify('removed'),
  })
}

/** Gives the actor its sockets. */
export function connectPeer(parts: PeerParts): PeerActor {
  const { clock, logger, self, material, localAddress, reusePort, snapshots, routes, openRoutes, onGone } = parts
  const dialer = new Dialer({ self, material, localAddress, onGone })
  return new PeerActor({
    ...parts,
    dial: (to, kind, url, events) => dialer.dialStream(to, kind, url, events),
    openPort: (owner) => {
      const allRoutes = new Map([...snapshots.routes, ...routes])
      const http = peerHttpServer({ owner, clock, logger, routes: allRoutes, openRoutes })
      const listener = new PeerListener({ clock, logger, http, material, reusePort })
      return {
        control: {
          listen: (address, order) => listener.listen(address, order),
          listenOn: () => listener.listenOn(),
        },
        close: () => {
          listener.close()
          http.close()
        },
      }
    },
  })
}

/** The configuration's files were found good before any thread started. */
async function materialOf(config: Config, logger: Logger): Promise<TlsMaterial | null> {
  if (config.peerTls === null) return null
  const opened = await openTlsMaterial(config.peerTls, logger)
  if (!opened.ok) throw new Error(opened.message)
  return opened.material
}

type LimitOptions = Pick<Config, 'electionMs' | 'raftReadTimeoutMs' | 'raftWriteTimeoutMs' | 'requestBytesMax'>

function peerLimits(config: LimitOptions): PeerLimits {
  const patienceMs = config.raftReadTimeoutMs
  return {
    times: {
      dialMs: 1000 + config.electionMs,
      pingMs: Math.min(PING_MS, patienceMs / 3),
      patienceMs,
      writeMs: config.raftWriteTimeoutMs,
      retryMsMin: RETRY_MS_MIN,
      retryMsMax: RETRY_MS_MAX,
    },
    appendPatienceMs: APPEND_PATIENCE * patienceMs,
    urgentBytesMax: URGENT_BYTES_MAX,
    appendBytesMax: Math.max(APPEND_BYTES_MIN, 4 * entryRecordBytesMax(config.requestBytesMax)),
  }
}
