/** membershippb: what a Raft entry says about members and the cluster version. */

import { field, message, protoPackage } from './notation.js'

export const membershippb = protoPackage('membershippb', 'proto3',
  message('RaftAttributes',
    field('peer_urls', 1, 'string', 'repeated'),
    field('is_learner', 2, 'bool')),
  message('Attributes', field('name', 1, 'string'), field('client_urls', 2, 'string', 'repeated')),
  message('Member',
    field('ID', 1, 'uint64', 'id'),
    field('raft_attributes', 2, 'RaftAttributes'),
    field('member_attributes', 3, 'Attributes')),
  message('ClusterVersionSetRequest', field('ver', 1, 'string')),
  message('ClusterMemberAttrSetRequest',
    field('member_ID', 1, 'uint64', 'id'),
    field('member_attributes', 2, 'Attributes')),
  message('DowngradeInfoSetRequest', field('enabled', 1, 'bool'), field('ver', 2, 'string')),
)
