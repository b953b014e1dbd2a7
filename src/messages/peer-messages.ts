/**
 * All that peer can be told.
 *
 * Raft hands over what it has to say to other members; peer carries it over their streams and tells raft what they say
 * (`received`). Every message may be lost on the way, and what a link cannot take is dropped and counted: raft asks
 * again where it matters, and hears `unreachable` of a member that probably missed something.
 */

import { defineProtocol, message } from './protocol.js'

/** Of `askMember` and `memberAsks`, on nobody's behalf: peer carries it as etcd's members do, others have to ask. */
export const HASH_KV_METHOD = '/etcdserverpb.Maintenance/HashKV'

export const peerMessages = defineProtocol({
  /**
   * From raft: an encoded raftpb.Message. `urgent` 0 for entries (appends and forwarded proposals), which have a stream
   * of their own so that heartbeats and votes never wait behind a client's bytes.
   */
  send: message(1, { to: 'i64', urgent: 'u8', data: 'bytes' }),
  /** From raft: an encoded MsgSnap without store data; peer has an image made, sends both, answers `snapshotSent`. */
  sendSnapshot: message(2, { to: 'i64', data: 'bytes' }),
  /**
   * From mvcc, after the restore and after each change of members: an encoded etcdserverpb.MemberListResponse with the
   * members alone, the ids of those that were removed, 8 bytes each, little-endian, and the version that the cluster
   * has agreed on, empty before it has.
   */
  members: message(3, { members: 'bytes', removed: 'bytes', version: 'bytes' }),
  /** From a front: have the first front of another member answer this unary call; `memberAnswered` tells what came. */
  askMember: message(4, { call: 'u32', front: 'u8', to: 'i64', method: 'bytes', token: 'bytes', data: 'bytes' }),
  /** From a front: its answer to `memberAsks`. */
  answerMember: message(5, { call: 'u32', status: 'u8', message: 'bytes', data: 'bytes' }),
})
export type PeerMessages = typeof peerMessages
