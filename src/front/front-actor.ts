/**
 * A front on its thread: owns client connections, turns calls into messages and answers of other actors back into
 * calls. Requests are heard between turns, while the event loop polls sockets; a turn sends them on, serves reads,
 * takes answers, and ends with one write for each connection.
 */

import type { Actor } from '../actor/actor.js'
import { GRPC_OVERHEAD_BYTES } from '../config/limits.js'
import { frontMessages, type FrontMessages } from '../messages/front-messages.js'
import { dispatcherOf, type Dispatch } from '../messages/message-codec.js'
import { HASH_KV_METHOD } from '../messages/peer-messages.js'
import type { Handler, Message } from '../messages/protocol.js'
import { NOTHING_WANTED, Word } from '../messages/shared-words.js'
import { counters } from '../metrics/counter-catalogue.js'
import { etcdErrors } from '../proto/etcd-errors.js'
import type { RingReader } from '../ring/ring-reader.js'
import { Auth } from './auth/auth.js'
import { ClientListener } from './listen/client-socket.js'
import { ClientCalls } from './client-calls.js'
import { FrontDoors, type FrontControl } from './listen/front-doors.js'
import { ClusterService } from './cluster/cluster-service.js'
import { MemberCalls, type DirectAnswer } from './cluster/member-calls.js'
import { ConnectionLog } from './http2/connection-log.js'
import type { FrontContext } from './front-context.js'
import type { GrpcService } from './grpc/grpc-call.js'
import { GrpcServer } from './grpc/grpc-server.js'
import type { Routes } from './grpc-routes.js'
import { etcdRoutes } from './etcd-routes.js'
import { HealthService } from './health-service.js'
import { Http1Counters } from './http1/http1-counters.js'
import { Http2Counters } from './http2/session/http2-counters.js'
import { http2Limits, keepaliveLimits } from './http2/session/http2-limits.js'
import { OutputPool } from './http2/session/output-pool.js'
import { openHttp } from './http/open-http.js'
import { StreamRouter } from './http/stream-router.js'
import { KvService } from './kv/kv-service.js'
import { LeaseService } from './lease-service.js'
import { Locks } from './locks/locks.js'
import { MaintenanceService } from './maintenance/maintenance-service.js'
import { answerApplied, type AnsweringServices } from './requests/applied-answers.js'
import { EarlyAnswers } from './requests/early-answers.js'
import { LeaderWatch } from './requests/leader-watch.js'
import { isEnded, Proposer } from './requests/proposer.js'
import { RangeJobs } from './kv/range-jobs.js'
import { ReadPath, type ReadTask } from './kv/read-path.js'
import { RequestTimes } from './requests/request-times.js'
import { SnapshotService } from './snapshot/snapshot-service.js'
import { MemberProposals, isMemberProposal } from './upkeep/member-proposals.js'
import { WatchService } from './watch-service.js'

/** How long open calls have when the server stops. */
const CLOSE_GRACE_MS = 3000

export class FrontActor implements Actor, Handler<FrontMessages> {
  readonly name = 'front' as const
  readonly control: FrontControl
  readonly #context: FrontContext
  readonly #dispatch: Dispatch
  readonly #proposer: Proposer
  readonly #reads: ReadPath
  readonly #jobs = new RangeJobs()
  readonly #health: HealthService
  readonly #counters = new Http2Counters()
  readonly #http1 = new Http1Counters()
  readonly #connectionLog: ConnectionLog
  readonly #auth: Auth
  readonly #memberCalls: MemberCalls
  readonly #cluster: ClusterService
  readonly #answering: AnsweringServices
  readonly #maintenance: MaintenanceService
  readonly #kv: KvService
  readonly #leases: LeaseService
  readonly #watches: WatchService
  readonly #snapshots: SnapshotService
  readonly #locks: Locks
  readonly #member: MemberProposals | null
  readonly #times: RequestTimes
  readonly #early: EarlyAnswers
  readonly #calls: ClientCalls
  readonly #leader: LeaderWatch
  readonly #listener: ClientListener
  readonly #stepJobs = {
    call: null,
    run: (): void => this.#runJobs(),
    expire: (): void => void (this.#isStepAsked = false),
  }
  #isStepAsked = false
  #nowMs = 0
  #from = 0
  #floor = NOTHING_WANTED
  #isClosing = false

  constructor(context: FrontContext) {
    this.#context = context
    const { config } = context
    this.#dispatch = dispatcherOf(frontMessages, this)
    this.#leader = new LeaderWatch(context)
    this.#proposer = new Proposer(context, this.#leader)
    this.#times = new RequestTimes(context)
    this.#early = new EarlyAnswers(context.words, context.syncTimes, (answer) => this.#answer(answer))
    this.#reads = new ReadPath(context, this.#times.reads)
    this.#auth = new Auth(context, this.#proposer, this.#reads, (call, bytes) => this.#calls.deliver(call, bytes))
    const { gate } = this.#auth
    this.#calls = new ClientCalls({
      context, proposer: this.#proposer, gate, jobs: this.#jobs, leader: this.#leader,
    })
    const maintenance = new MaintenanceService(context, this.#proposer, this.#reads, this.#jobs)
    this.#maintenance = maintenance
    this.#health = new HealthService(context.words, config.gates.StopGRPCServiceOnDefrag)
    const { quota } = maintenance
    const neighbours = { proposer: this.#proposer, reads: this.#reads, jobs: this.#jobs, gate, quota }
    this.#kv = new KvService(context, neighbours)
    this.#leases = new LeaseService(context, neighbours)
    const hashKv: DirectAnswer = (call, bytes, start, end) => maintenance.hashes.hashKv(call, bytes, start, end)
    this.#memberCalls = new MemberCalls(context, this.#calls, new Map([[HASH_KV_METHOD, hashKv]]))
    this.#cluster = new ClusterService(context, this.#proposer, this.#reads, this.#memberCalls)
    this.#answering = {
      ...neighbours, kv: this.#kv, leases: this.#leases, auth: this.#auth, maintenance, cluster: this.#cluster,
    }
    this.#watches = new WatchService(context, this.#proposer, gate)
    this.#snapshots = new SnapshotService(context, this.#reads)
    this.#locks = new Locks(this.#calls, context)
    const member = { ...neighbours, hashes: maintenance.hashes, calls: this.#memberCalls }
    this.#member = context.index === 0 ? new MemberProposals(context, member) : null
    this.#connectionLog = new ConnectionLog(this.#counters, this.#http1, context.counters, context.logger)
    this.#calls.routes = this.#buildRoutes()
    this.#listener = this.#buildListener()
    const doors = new FrontDoors(this.#listener, config, context.logger)
    doors.onPortTaken = (port) => this.#member?.portTaken(port)
    this.control = {
      listen: (address, order) => doors.listen(address, order),
      listenOn: (fd, order) => doors.listenOn(fd, order),
    }
  }

  /** What clients ask, for those that need no socket. */
  get service(): GrpcService {
    return this.#calls
  }

  onStart(nowMs: number): void {
    this.#nowMs = nowMs
  }

  onFrame(reader: RingReader, nowMs: number, from: number): void {
    this.#nowMs = this.#calls.meters.time.nowMs = nowMs
    this.#from = from
    this.#dispatch(reader)
  }

  isBlocked(): boolean {
    return false
  }

  awaitedWordCame(): boolean {
    return (
      this.#early.hasDue() ||
      this.#reads.awaitedWordCame() ||
      this.#kv.compactionCame() ||
      this.#maintenance.defragments.hasEnded() ||
      this.#leader.hasNews() ||
      this.#health.hasChanged() ||
      (this.#jobs.hasWork && !this.#isStepAsked) ||
      this.#member?.isDue === true
    )
  }

  // What other actors tell.

  onApplied(message: Message<FrontMessages, 'applied'>): void {
    if (!this.#early.holds(message)) this.#answer(message)
  }

  #answer(message: Message<FrontMessages, 'applied'>): void {
    const pending = this.#proposer.table.find(message.requestHigh, message.requestLow)
    if (pending === null) return
    const { call } = pending
    if (isMemberProposal(pending)) this.#member?.onAnswer(pending, true, message.error, this.#nowMs)
    else if (call !== null && !isEnded(call)) {
      answerApplied(this.#answering, pending, call, message)
      this.#times.onApplied(pending, message, this.#nowMs)
    }
    this.#proposer.table.release(pending)
  }

  onRefused(message: Message<FrontMessages, 'refused'>): void {
    const pending = this.#proposer.table.find(message.requestHigh, message.requestLow)
    if (pending === null) return
    this.#context.counters.add(counters.proposalsFailed)
    if (isMemberProposal(pending)) this.#member?.onAnswer(pending, false, message.error, this.#nowMs)
    else if (pending.call !== null) this.#proposer.fail(pending.call, message.error)
    this.#proposer.table.release(pending)
  }

  onMemberProgress(message: Message<FrontMessages, 'memberProgress'>): void {
    const pending = this.#proposer.table.find(message.requestHigh, message.requestLow)
    if (pending === null) return
    this.#cluster.promotions.onProgress(pending, message, this.#nowMs)
    this.#proposer.table.release(pending)
  }

  onMemberAnswered(message: Message<FrontMessages, 'memberAnswered'>): void {
    this.#memberCalls.onMemberAnswered(message)
  }

  onMemberAsks(message: Message<FrontMessages, 'memberAsks'>): void {
    this.#memberCalls.onMemberAsks(message, this.#nowMs)
  }

  onWatchCreated(message: Message<FrontMessages, 'watchCreated'>): void {
    this.#watches.onWatchCreated(message)
  }

  onWatchEvents(message: Message<FrontMessages, 'watchEvents'>): void {
    this.#watches.onWatchEvents(message, this.#from)
  }

  onWatchCanceled(message: Message<FrontMessages, 'watchCanceled'>): void {
    this.#watches.onWatchCanceled(message)
  }

  onWatchProgress(message: Message<FrontMessages, 'watchProgress'>): void {
    this.#watches.onWatchProgress(message)
  }

  onWatchNotify(message: Message<FrontMessages, 'watchNotify'>): void {
    this.#watches.onWatchNotify(message)
  }

  onLeaseKept(message: Message<FrontMessages, 'leaseKept'>): void {
    this.#leases.onLeaseKept(message)
  }

  onLeaseTimes(message: Message<FrontMessages, 'leaseTimes'>): void {
    this.#leases.onLeaseTimes(message)
  }

  onLeaseList(message: Message<FrontMessages, 'leaseList'>): void {
    this.#leases.onLeaseList(message)
  }

  onAuthChanged(message: Message<FrontMessages, 'authChanged'>): void {
    this.#auth.gate.onAuthChanged(message)
  }

  onReadReady({ ticket, index }: Message<FrontMessages, 'readReady'>): void {
    this.#reads.onReady(ticket, index)
  }

  onTokenAssigned(message: Message<FrontMessages, 'tokenAssigned'>): void {
    this.#auth.gate.onTokenAssigned(message, this.#nowMs)
  }

  doWork(nowMs: number): number {
    this.#nowMs = this.#calls.meters.time.nowMs = nowMs
    this.#sendProposed(nowMs)
    if (this.#leader.update(nowMs)) this.#failReads(this.#reads.onLeaderChanged(), etcdErrors.leaderChanged.id)
    let work = this.#isClosing ? 0 : (this.#member?.advance(nowMs) ?? 0)
    if (this.#jobs.hasWork && !this.#isStepAsked) {
      this.#isStepAsked = true
      this.#reads.whenFresh(this.#stepJobs)
    }
    work += this.#early.release() + this.#proposer.retryBacklog()
    work += this.#auth.stepLogins()
    work += this.#reads.serve(nowMs)
    work += this.#auth.gate.work(nowMs)
    work += this.#kv.answerCompactions() + this.#maintenance.defragments.answer() + this.#health.tell()
    work += this.#maintenance.moves.work(nowMs) + this.#cluster.promotions.work(nowMs)
    work += this.#watches.retryDeferred()
    this.#expire(nowMs)
    this.#listener.onDeadline(nowMs)
    this.#connectionLog.check(nowMs)
    this.#announceFloor()
    // What was proposed in the course of this turn leaves with it.
    if (this.#proposer.hasUnsent) this.#proposer.stampSent(this.#context.clock.nowMs())
    this.#times.onEncoded()
    this.#listener.flush(nowMs)
    this.#times.onFlushed()
    return work
  }

  wakeAtMs(): number {
    return Math.min(
      this.#proposer.wakeAtMs(this.#nowMs),
      this.#reads.wakeAtMs(this.#proposer.patienceMs),
      this.#auth.gate.wakeAtMs(),
      this.#jobs.wakeAtMs(),
      this.#maintenance.moves.wakeAtMs(this.#nowMs),
      this.#cluster.promotions.wakeAtMs(),
      this.#calls.leaderless.wakeAtMs(),
      this.#member?.dueAtMs ?? Infinity,
      this.#listener.wakeAtMs(),
    )
  }

  /** The first look of a drain is the sign to accept no more. */
  isIdle(): boolean {
    if (!this.#isClosing) this.#startClosing()
    return this.#listener.isClosed && this.#watches.isIdle && this.#locks.isIdle && this.#proposer.table.count === 0
  }

  onClose(): void {
    this.#listener.flush()
    this.#auth.close()
    this.#maintenance.close()
    this.#reads.close()
  }

  /** First of all, so that raft is at it while answers are written. */
  #sendProposed(nowMs: number): void {
    if (!this.#proposer.hasUnsent) return
    this.#proposer.stampSent(nowMs)
    this.#context.publish()
  }

  #runJobs(): void {
    this.#isStepAsked = false
    this.#jobs.step(this.#reads.view(), this.#nowMs)
  }

  #expire(nowMs: number): void {
    this.#proposer.expire(nowMs)
    this.#failReads(this.#reads.expired(nowMs, this.#proposer.patienceMs), etcdErrors.timeout.id)
    this.#calls.leaderless.check(nowMs)
  }

  #failReads(tasks: readonly ReadTask[], error: number): void {
    // As with etcd: one whose time is up was slow, one whose leader has gone has failed.
    const counter = error === etcdErrors.timeout.id ? counters.slowReadIndexes : counters.readIndexesFailed
    for (const task of tasks) {
      this.#context.counters.add(counter)
      if (task.expire !== undefined) task.expire()
      else if (task.call !== null) this.#proposer.fail(task.call, error)
    }
  }

  /** Physical compaction keeps what answers that are still owed will have to read. */
  #announceFloor(): void {
    const floor = Math.min(this.#proposer.table.lowestFloor(), this.#jobs.lowestRevision())
    if (floor === this.#floor) return
    this.#floor = floor
    this.#context.words.store(Word.readFloor + this.#context.index, floor)
  }

  #startClosing(): void {
    this.#isClosing = true
    this.#locks.closeAll()
    this.#watches.closeAll()
    this.#leases.closeAll()
    this.#snapshots.closeAll()
    this.#health.closeAll()
    this.#listener.close(CLOSE_GRACE_MS)
  }

  #buildListener(): ClientListener {
    const { config, clock, logger } = this.#context
    const grpc = new GrpcServer({ service: this.#calls, messageBytesMax: config.requestBytesMax + GRPC_OVERHEAD_BYTES })
    const http = openHttp({
      context: this.#context,
      reads: this.#reads,
      service: this.#calls,
      isAuthEnabled: () => this.#auth.gate.access.enabled,
      http1: this.#http1,
    })
    const limits = http2Limits({
      streamCountMax: config.concurrentStreamsMax,
      ...keepaliveLimits(config),
    })
    return new ClientListener({
      clock,
      session: {
        limits,
        counters: this.#counters,
        pool: new OutputPool(),
        handler: new StreamRouter(grpc, http.clients),
      },
      carriers: http.servers,
      connectionsMax: config.connectionsMax,
      onActivity: () => this.#context.requestTurn(),
      logger,
    })
  }

  #buildRoutes(): Routes {
    return etcdRoutes({
      ...this.#answering,
      watches: this.#watches,
      locks: this.#locks,
      health: this.#health,
      snapshots: this.#snapshots,
    })
  }
}
