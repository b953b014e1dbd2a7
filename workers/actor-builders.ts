/**
 * Which function builds which actor with its real devices. Each is loaded when it is called: a thread compiles the code
 * of its own actors only, which is most of what its start costs.
 */

import type { ActorBuilders } from '../src/actor/thread-runner.js'

export const actorBuilders: ActorBuilders = {
  front: async (context, index) => (await import('./front.worker.js')).buildFront(context, index),
  raft: async (context, index) => (await import('./raft.worker.js')).buildRaft(context, index),
  peer: async (context, index) => (await import('./peer.worker.js')).buildPeer(context, index),
  wal: async (context, index) => (await import('./wal.worker.js')).buildWal(context, index),
  mvcc: async (context, index) => (await import('./mvcc.worker.js')).buildMvcc(context, index),
  watch: async (context, index) => (await import('./watch.worker.js')).buildWatch(context, index),
  lease: async (context, index) => (await import('./lease.worker.js')).buildLease(context, index),
}
