/** A key's record in the form that compares ask for. One object serves any number of keys. */

import { compareBytes, type Bytes } from '../base/bytes.js'
import { KeyRecord } from './key-record.js'
import type { LiveKey } from './txn-read-view.js'

export class RecordAsLiveKey implements LiveKey {
  record = new KeyRecord()

  at(record: KeyRecord): this {
    this.record = record
    return this
  }

  get createRevision(): number {
    return this.record.createRevision
  }

  get modRevision(): number {
    return this.record.modRevision
  }

  get version(): number {
    return this.record.version
  }

  leaseId(): bigint {
    return this.record.leaseId()
  }

  compareValue(other: Bytes): number {
    return compareBytes(this.record.value.view(), other)
  }
}
