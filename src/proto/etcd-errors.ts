/**
 * Every error that etcd's clients may meet, with the exact code and text: Go's client recognises
 * errors by their text. An id is what travels in ring messages; ids are never reused, 0 is success.
 */

import { grpcStatus, type GrpcStatus } from './grpc-status.js'

export interface EtcdError {
  readonly id: number
  /** Name of the error in etcd's source. */
  readonly symbol: string
  readonly code: GrpcStatus
  readonly message: string
}

/** The id of no error. */
export const ERROR_ID_OK = 0

/** Ids fit one byte of a ring message. */
export const ERROR_ID_MAX = 255

function entry(id: number, symbol: string, code: GrpcStatus, message: string): EtcdError {
  return Object.freeze({ id, symbol, code, message })
}

/**
 * Errors of etcd's own table have ids from 1, those that reach the wire beside it from 100.
 * `memberNotEnoughStarted` and `requestTooManyRequests` go out as `unknown`, as in etcd, although
 * its table says otherwise.
 */
export const etcdErrors = Object.freeze({
  emptyKey: entry(1, 'ErrGRPCEmptyKey', grpcStatus.invalidArgument,
    'etcdserver: key is not provided'),
  keyNotFound: entry(2, 'ErrGRPCKeyNotFound', grpcStatus.invalidArgument,
    'etcdserver: key not found'),
  valueProvided: entry(3, 'ErrGRPCValueProvided', grpcStatus.invalidArgument,
    'etcdserver: value is provided'),
  leaseProvided: entry(4, 'ErrGRPCLeaseProvided', grpcStatus.invalidArgument,
    'etcdserver: lease is provided'),
  tooManyOps: entry(5, 'ErrGRPCTooManyOps', grpcStatus.invalidArgument,
    'etcdserver: too many operations in txn request'),
  duplicateKey: entry(6, 'ErrGRPCDuplicateKey', grpcStatus.invalidArgument,
    'etcdserver: duplicate key given in txn request'),
  invalidClientAPIVersion: entry(7, 'ErrGRPCInvalidClientAPIVersion', grpcStatus.invalidArgument,
    'etcdserver: invalid client api version'),
  invalidSortOption: entry(8, 'ErrGRPCInvalidSortOption', grpcStatus.invalidArgument,
    'etcdserver: invalid sort option'),
  compacted: entry(9, 'ErrGRPCCompacted', grpcStatus.outOfRange,
    'etcdserver: mvcc: required revision has been compacted'),
  futureRev: entry(10, 'ErrGRPCFutureRev', grpcStatus.outOfRange,
    'etcdserver: mvcc: required revision is a future revision'),
  noSpace: entry(11, 'ErrGRPCNoSpace', grpcStatus.resourceExhausted,
    'etcdserver: mvcc: database space exceeded'),
  leaseNotFound: entry(12, 'ErrGRPCLeaseNotFound', grpcStatus.notFound,
    'etcdserver: requested lease not found'),
  leaseExist: entry(13, 'ErrGRPCLeaseExist', grpcStatus.failedPrecondition,
    'etcdserver: lease already exists'),
  leaseTTLTooLarge: entry(14, 'ErrGRPCLeaseTTLTooLarge', grpcStatus.outOfRange,
    'etcdserver: too large lease TTL'),
  watchCanceled: entry(15, 'ErrGRPCWatchCanceled', grpcStatus.canceled,
    'etcdserver: watch canceled'),
  memberExist: entry(16, 'ErrGRPCMemberExist', grpcStatus.failedPrecondition,
    'etcdserver: member ID already exist'),
  peerURLExist: entry(17, 'ErrGRPCPeerURLExist', grpcStatus.failedPrecondition,
    'etcdserver: Peer URLs already exists'),
  memberNotEnoughStarted: entry(18, 'ErrGRPCMemberNotEnoughStarted', grpcStatus.unknown,
    'etcdserver: re-configuration failed due to not enough started members'),
  memberBadURLs: entry(19, 'ErrGRPCMemberBadURLs', grpcStatus.invalidArgument,
    'etcdserver: given member URLs are invalid'),
  memberNotFound: entry(20, 'ErrGRPCMemberNotFound', grpcStatus.notFound,
    'etcdserver: member not found'),
  memberNotLearner: entry(21, 'ErrGRPCMemberNotLearner', grpcStatus.failedPrecondition,
    'etcdserver: can only promote a learner member'),
  learnerNotReady: entry(22, 'ErrGRPCLearnerNotReady', grpcStatus.failedPrecondition,
    'etcdserver: can only promote a learner member which is in sync with leader'),
  tooManyLearners: entry(23, 'ErrGRPCTooManyLearners', grpcStatus.failedPrecondition,
    'etcdserver: too many learner members in cluster'),
  clusterIDMismatch: entry(24, 'ErrGRPCClusterIDMismatch', grpcStatus.failedPrecondition,
    'etcdserver: cluster ID mismatch'),
  requestTooLarge: entry(25, 'ErrGRPCRequestTooLarge', grpcStatus.invalidArgument,
    'etcdserver: request is too large'),
  requestTooManyRequests: entry(26, 'ErrGRPCRequestTooManyRequests', grpcStatus.unknown,
    'etcdserver: too many requests'),
  rootUserNotExist: entry(27, 'ErrGRPCRootUserNotExist', grpcStatus.failedPrecondition,
    'etcdserver: root user does not exist'),
  rootRoleNotExist: entry(28, 'ErrGRPCRootRoleNotExist', grpcStatus.failedPrecondition,
    'etcdserver: root user does not have root role'),
  userAlreadyExist: entry(29, 'ErrGRPCUserAlreadyExist', grpcStatus.failedPrecondition,
    'etcdserver: user name already exists'),
  userEmpty: entry(30, 'ErrGRPCUserEmpty', grpcStatus.invalidArgument,
    'etcdserver: user name is empty'),
  userNotFound: entry(31, 'ErrGRPCUserNotFound', grpcStatus.failedPrecondition,
    'etcdserver: user name not found'),
  roleAlreadyExist: entry(32, 'ErrGRPCRoleAlreadyExist', grpcStatus.failedPrecondition,
    'etcdserver: role name already exists'),
  roleNotFound: entry(33, 'ErrGRPCRoleNotFound', grpcStatus.failedPrecondition,
    'etcdserver: role name not found'),
  roleEmpty: entry(34, 'ErrGRPCRoleEmpty', grpcStatus.invalidArgument,
    'etcdserver: role name is empty'),
  authFailed: entry(35, 'ErrGRPCAuthFailed', grpcStatus.invalidArgument,
    'etcdserver: authentication failed, invalid user ID or password'),
  permissionNotGiven: entry(36, 'ErrGRPCPermissionNotGiven', grpcStatus.invalidArgument,
    'etcdserver: permission not given'),
  permissionDenied: entry(37, 'ErrGRPCPermissionDenied', grpcStatus.permissionDenied,
    'etcdserver: permission denied'),
  roleNotGranted: entry(38, 'ErrGRPCRoleNotGranted', grpcStatus.failedPrecondition,
    'etcdserver: role is not granted to the user'),
  permissionNotGranted: entry(39, 'ErrGRPCPermissionNotGranted', grpcStatus.failedPrecondition,
    'etcdserver: permission is not granted to the role'),
  authNotEnabled: entry(40, 'ErrGRPCAuthNotEnabled', grpcStatus.failedPrecondition,
    'etcdserver: authentication is not enabled'),
  invalidAuthToken: entry(41, 'ErrGRPCInvalidAuthToken', grpcStatus.unauthenticated,
    'etcdserver: invalid auth token'),
  invalidAuthMgmt: entry(42, 'ErrGRPCInvalidAuthMgmt', grpcStatus.invalidArgument,
    'etcdserver: invalid auth management'),
  authOldRevision: entry(43, 'ErrGRPCAuthOldRevision', grpcStatus.invalidArgument,
    'etcdserver: revision of auth store is old'),
  noLeader: entry(44, 'ErrGRPCNoLeader', grpcStatus.unavailable, 'etcdserver: no leader'),
  notLeader: entry(45, 'ErrGRPCNotLeader', grpcStatus.failedPrecondition, 'etcdserver: not leader'),
  leaderChanged: entry(46, 'ErrGRPCLeaderChanged', grpcStatus.unavailable,
    'etcdserver: leader changed'),
  notCapable: entry(47, 'ErrGRPCNotCapable', grpcStatus.failedPrecondition,
    'etcdserver: not capable'),
  stopped: entry(48, 'ErrGRPCStopped', grpcStatus.unavailable, 'etcdserver: server stopped'),
  timeout: entry(49, 'ErrGRPCTimeout', grpcStatus.unavailable, 'etcdserver: request timed out'),
  timeoutDueToLeaderFail: entry(50, 'ErrGRPCTimeoutDueToLeaderFail', grpcStatus.unavailable,
    'etcdserver: request timed out, possibly due to previous leader failure'),
  timeoutDueToConnectionLost: entry(51, 'ErrGRPCTimeoutDueToConnectionLost', grpcStatus.unavailable,
    'etcdserver: request timed out, possibly due to connection lost'),
  timeoutWaitAppliedIndex: entry(52, 'ErrGRPCTimeoutWaitAppliedIndex', grpcStatus.unavailable,
    'etcdserver: request timed out, waiting for the applied index took too long'),
  unhealthy: entry(53, 'ErrGRPCUnhealthy', grpcStatus.unavailable, 'etcdserver: unhealthy cluster'),
  corrupt: entry(54, 'ErrGRPCCorrupt', grpcStatus.dataLoss, 'etcdserver: corrupt cluster'),
  notSupportedForLearner: entry(55, 'ErrGRPCNotSupportedForLearner', grpcStatus.failedPrecondition,
    'etcdserver: rpc not supported for learner'),
  badLeaderTransferee: entry(56, 'ErrGRPCBadLeaderTransferee', grpcStatus.failedPrecondition,
    'etcdserver: bad leader transferee'),
  wrongDowngradeVersionFormat: entry(
    57, 'ErrGRPCWrongDowngradeVersionFormat', grpcStatus.invalidArgument,
    'etcdserver: wrong downgrade target version format'),
  invalidDowngradeTargetVersion: entry(
    58, 'ErrGRPCInvalidDowngradeTargetVersion', grpcStatus.invalidArgument,
    'etcdserver: invalid downgrade target version'),
  clusterVersionUnavailable: entry(
    59, 'ErrGRPCClusterVersionUnavailable', grpcStatus.failedPrecondition,
    'etcdserver: cluster version not found during downgrade'),
  downgradeInProcess: entry(60, 'ErrGRPCDowngradeInProcess', grpcStatus.failedPrecondition,
    'etcdserver: cluster has a downgrade job in progress'),
  noInflightDowngrade: entry(61, 'ErrGRPCNoInflightDowngrade', grpcStatus.failedPrecondition,
    'etcdserver: no inflight downgrade job'),
  canceled: entry(62, 'ErrGRPCCanceled', grpcStatus.canceled, 'etcdserver: request canceled'),
  deadlineExceeded: entry(63, 'ErrGRPCDeadlineExceeded', grpcStatus.deadlineExceeded,
    'etcdserver: context deadline exceeded'),
  timeoutLeaderTransfer: entry(100, 'ErrTimeoutLeaderTransfer', grpcStatus.unknown,
    'etcdserver: request timed out, leader transfer took too long'),
  proposalDropped: entry(101, 'ErrProposalDropped', grpcStatus.unknown, 'raft proposal dropped'),
  noPasswordUser: entry(102, 'ErrNoPasswordUser', grpcStatus.unknown,
    'auth: authentication failed, password was given for no password user'),
  unknownMethod: entry(103, 'ErrUnknownMethod', grpcStatus.unknown, 'etcdserver: unknown method'),
  notPrimary: entry(104, 'ErrNotPrimary', grpcStatus.unknown, 'not a primary lessor'),
  missingLeaderKey: entry(105, 'ErrMissingLeaderKey', grpcStatus.unknown,
    '"leader" field must be provided'),
  electionNoLeader: entry(106, 'ErrElectionNoLeader', grpcStatus.unknown, 'election: no leader'),
  electionNotLeader: entry(107, 'ErrElectionNotLeader', grpcStatus.unknown, 'election: not leader'),
  sessionExpired: entry(108, 'ErrSessionExpired', grpcStatus.unknown, 'mutex: session is expired'),
  rangeStreamSort: entry(109, 'ErrRangeStreamSort', grpcStatus.unimplemented,
    'RangeStream does not support custom sort orders'),
  rangeStreamFilter: entry(110, 'ErrRangeStreamFilter', grpcStatus.unimplemented,
    'RangeStream does not support revision filters'),
  contextDeadlineExceeded: entry(111, 'ErrContextDeadlineExceeded', grpcStatus.deadlineExceeded,
    'context deadline exceeded'),
  contextCanceled: entry(112, 'ErrContextCanceled', grpcStatus.canceled, 'context canceled'),
  transportClosing: entry(113, 'ErrTransportClosing', grpcStatus.unavailable,
    'transport is closing'),
  passwordTooLong: entry(114, 'ErrPasswordTooLong', grpcStatus.unknown, 'bcrypt: password length exceeds 72 bytes'),
  authVerifyOnly: entry(115, 'ErrVerifyOnly', grpcStatus.unknown,
    'auth: token signing attempted with verify-only key'),
})

const byId: (EtcdError | undefined)[] = new Array(ERROR_ID_MAX + 1).fill(undefined)
for (const error of Object.values(etcdErrors)) byId[error.id] = error

/** The error with this id; undefined for 0 and for ids that no error has. */
export function errorById(id: number): EtcdError | undefined {
  return byId[id]
}

/** Texts of errors that name what was wrong with one request. */
export function messageTooLarge(length: number, lengthMax: number): string {
  return `grpc: received message larger than max (${length} vs. ${lengthMax})`
}

export function unknownService(service: string): string {
  return `unknown service ${service}`
}

/** The error that another member tells by its text alone. */
export function errorByMessage(message: string): EtcdError | null {
  return Object.values(etcdErrors).find((error) => error.message === message) ?? null
}

export function unknownMethod(method: string, service: string): string {
  return `unknown method ${method} for service ${service}`
}

/**
 * Why a watch was refused: sent in `cancel_reason` while the stream stays open. A watch below the
 * compact revision has no reason at all; its `compact_revision` says it.
 */
export const watchCancelReasons = Object.freeze({
  negativeStartRevision: etcdErrors.compacted.message,
  emptyRange: 'mvcc: watcher range is empty',
  duplicateId: 'mvcc: duplicate watch ID provided on the WatchStream',
  permissionDenied: statusText(etcdErrors.permissionDenied),
  authOldRevision: statusText(etcdErrors.authOldRevision),
  invalidAuthToken: statusText(etcdErrors.invalidAuthToken),
  userEmpty: statusText(etcdErrors.userEmpty),
})

/** How Go prints an error that carries a gRPC status. */
export function statusText(error: EtcdError): string {
  return `rpc error: code = ${goCodeName(error.code)} desc = ${error.message}`
}

/** Go's name of a code is ours with a capital, but for OK, which is never an error. */
function goCodeName(code: GrpcStatus): string {
  const name = Object.entries(grpcStatus).find(([, value]) => value === code)?.[0] ?? 'unknown'
  return name.charAt(0).toUpperCase() + name.slice(1)
}
