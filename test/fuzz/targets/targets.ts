/** Every target, what share of all cases it gets, and how it is built. */

import type { FuzzTarget } from '../fuzz-target.js'
import { ConfigTarget } from './config-target.js'
import { FramesTarget } from './frames-target.js'
import { GrpcTarget } from './grpc-target.js'
import { HpackTarget } from './hpack-target.js'
import { Http1Target } from './http1-target.js'
import { JsonTarget } from './json-target.js'
import { NodeTarget } from './node-target.js'
import { ProtobufTarget } from './protobuf-target.js'

export interface TargetSpec {
  readonly name: string
  /** In thousandths of all cases. */
  readonly share: number
  readonly build: () => FuzzTarget | Promise<FuzzTarget>
}

export const TARGETS: readonly TargetSpec[] = [
  { name: 'protobuf', share: 300, build: () => new ProtobufTarget() },
  { name: 'hpack', share: 250, build: () => new HpackTarget() },
  { name: 'frames', share: 170, build: () => new FramesTarget() },
  { name: 'grpc', share: 120, build: () => new GrpcTarget() },
  { name: 'json', share: 80, build: () => new JsonTarget() },
  { name: 'node', share: 2, build: () => NodeTarget.start() },
  { name: 'http1', share: 8, build: () => new Http1Target() },
  { name: 'config', share: 70, build: () => new ConfigTarget() },
]
