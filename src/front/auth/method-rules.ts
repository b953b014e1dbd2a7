/**
 * Which right a method needs as a whole while auth is enabled. 'own': its requests differ, and the service checks each
 * with what the request needs. 'watch': as 'own', and what is wrong is told inside the stream. Methods without a line
 * are open to everybody.
 */

export type MethodRule = 'root' | 'user' | 'own' | 'watch' | 'alarm'

const KV = '/etcdserverpb.KV/'
const LEASE = '/etcdserverpb.Lease/'
const CLUSTER = '/etcdserverpb.Cluster/'
const MAINTENANCE = '/etcdserverpb.Maintenance/'
const AUTH = '/etcdserverpb.Auth/'

const RULES: ReadonlyMap<string, MethodRule> = new Map<string, MethodRule>([
  [`${KV}Range`, 'own'],
  [`${KV}RangeStream`, 'own'],
  [`${KV}Put`, 'own'],
  [`${KV}DeleteRange`, 'own'],
  [`${KV}Txn`, 'own'],
  [`${KV}Compact`, 'root'],
  ['/etcdserverpb.Watch/Watch', 'watch'],
  [`${LEASE}LeaseGrant`, 'user'],
  [`${LEASE}LeaseRevoke`, 'own'],
  [`${LEASE}LeaseKeepAlive`, 'own'],
  [`${LEASE}LeaseTimeToLive`, 'user'],
  [`${LEASE}LeaseLeases`, 'own'],
  [`${CLUSTER}MemberAdd`, 'root'],
  [`${CLUSTER}MemberRemove`, 'root'],
  [`${CLUSTER}MemberUpdate`, 'root'],
  [`${CLUSTER}MemberPromote`, 'root'],
  [`${CLUSTER}MemberList`, 'user'],
  [`${MAINTENANCE}Alarm`, 'alarm'],
  [`${MAINTENANCE}Status`, 'user'],
  [`${MAINTENANCE}Defragment`, 'root'],
  [`${MAINTENANCE}Hash`, 'root'],
  [`${MAINTENANCE}HashKV`, 'root'],
  [`${MAINTENANCE}Snapshot`, 'root'],
  [`${MAINTENANCE}MoveLeader`, 'root'],
  [`${MAINTENANCE}Downgrade`, 'root'],
  [`${AUTH}AuthEnable`, 'root'],
  [`${AUTH}AuthDisable`, 'root'],
  [`${AUTH}UserAdd`, 'root'],
  [`${AUTH}UserGet`, 'own'],
  [`${AUTH}UserList`, 'root'],
  [`${AUTH}UserDelete`, 'root'],
  [`${AUTH}UserChangePassword`, 'root'],
  [`${AUTH}UserGrantRole`, 'root'],
  [`${AUTH}UserRevokeRole`, 'root'],
  [`${AUTH}RoleAdd`, 'root'],
  [`${AUTH}RoleGet`, 'own'],
  [`${AUTH}RoleList`, 'root'],
  [`${AUTH}RoleDelete`, 'root'],
  [`${AUTH}RoleGrantPermission`, 'root'],
  [`${AUTH}RoleRevokePermission`, 'root'],
  // What these do to keys and leases is checked with the rights of who called them.
  ['/v3lockpb.Lock/Lock', 'own'],
  ['/v3lockpb.Lock/Unlock', 'own'],
  ['/v3electionpb.Election/Campaign', 'own'],
  ['/v3electionpb.Election/Proclaim', 'own'],
  ['/v3electionpb.Election/Leader', 'own'],
  ['/v3electionpb.Election/Observe', 'own'],
  ['/v3electionpb.Election/Resign', 'own'],
])

export function methodRule(method: string): MethodRule | undefined {
  return RULES.get(method)
}
