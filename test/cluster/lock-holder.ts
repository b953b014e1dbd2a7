/** A process that claims a data directory, says what came of it on one line, and then waits to be killed. */

import { writeSync } from 'node:fs'
import { claimDataDirectory } from '../../src/cluster/data-dir-file.js'

const [dataDir = '', flock = 'flock'] = process.argv.slice(2)
const claimed = await claimDataDirectory({ dataDir, walDir: `${dataDir}/member/wal` }, flock)
writeSync(1, `${claimed.ok ? 'claimed' : claimed.message}\n`)
if (claimed.ok) process.stdin.resume()
