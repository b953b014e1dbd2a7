/** walpb, snappb, leasepb: records of the WAL, of snapshot files and of the lease table. */

import { field, message, protoPackage } from './notation.js'

export const walpb = protoPackage('walpb', 'proto2',
  message('Record',
    field('type', 1, 'int64', 'always'),
    field('crc', 2, 'uint32', 'always'),
    field('data', 3, 'bytes')),
  message('Snapshot',
    field('index', 1, 'uint64', 'always'),
    field('term', 2, 'uint64', 'always'),
    field('conf_state', 3, 'raftpb.ConfState')),
)

export const snappb = protoPackage('snappb', 'proto2',
  message('snapshot', field('crc', 1, 'uint32', 'always'), field('data', 2, 'bytes')),
)

export const leasepb = protoPackage('leasepb', 'proto3',
  message('Lease',
    field('ID', 1, 'int64', 'id'),
    field('TTL', 2, 'int64'),
    field('RemainingTTL', 3, 'int64')),
  message('LeaseInternalRequest',
    field('LeaseTimeToLiveRequest', 1, 'etcdserverpb.LeaseTimeToLiveRequest')),
  message('LeaseInternalResponse',
    field('LeaseTimeToLiveResponse', 1, 'etcdserverpb.LeaseTimeToLiveResponse')),
)
