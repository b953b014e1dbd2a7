/** `raftringctl snapshot status FILE`: what is in a snapshot, after a look at every page of it. */

import { openImage } from '../snapshot/open-image.js'
import { readImageStatus } from '../snapshot/image-status.js'
import { failed, type CommandResult } from './command-result.js'
import { humanBytes, printResult, type Print } from './output.js'

export function snapshotStatus(path: string, format: string, print: Print): CommandResult {
  const opened = openImage(path, { hash: 'ifThere' })
  if (!opened.ok) return failed(opened.message)
  const status = readImageStatus(opened.reader)
  opened.close()
  const { hash, revision, totalKey, totalSize, version } = status
  return printResult(format, {
    row: [
      ['hash', hash.toString(16)],
      ['revision', String(revision)],
      ['total keys', String(totalKey)],
      ['total size', humanBytes(totalSize)],
      ['version', version],
    ],
    fields: [['Hash', hash], ['Revision', revision], ['Keys', totalKey], ['Size', totalSize], ['Version', version]],
    json: { hash, revision, totalKey, totalSize, version },
  }, print)
}
