/**
 * raftringpb: all that raftring adds to etcd's formats, as field 30001 of InternalRaftRequest.
 * etcd's readers skip the field; nothing else of ours is ever written into an entry.
 */

import { field, message, protoPackage } from './notation.js'

export const raftringpb = protoPackage('raftringpb', 'proto3',
  message('Extension',
    // The leader's lease clock when it proposed: deadlines survive restarts and leader changes.
    field('lease_clock_ms', 1, 'int64'),
    field('renew', 2, 'LeaseRenew'),
    field('revoke', 3, 'LeaseRevokeBatch'),
    // The term that the clock's leader led. An entry of another term leaves the clock alone.
    field('clock_epoch', 4, 'uint64')),
  // Keep-alives that arrived together on any member. Field 2 was an epoch.
  message('LeaseRenew',
    field('ids', 1, 'int64', 'packed', 'id')),
  // Leases that expired together; a no-op when the entry's term is not the epoch, or the lease was renewed meanwhile.
  message('LeaseRevokeBatch',
    field('ids', 1, 'int64', 'packed', 'id'),
    field('epoch', 2, 'uint64')),
)
