/** mvcc: owns the key space. */

import type { ActorBuilder } from '../src/actor/thread-runner.js'
import { openMvcc } from '../src/mvcc/open-mvcc.js'

export const buildMvcc: ActorBuilder = (context) => openMvcc(context)
