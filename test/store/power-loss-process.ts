/** A power-loss run as a process of its own: without its safeguards a store may well take the process with it. */

import { temporaryDirectory } from '../support/temporary-directory.js'
import { PowerLossRun, type PowerLossOptions } from './power-loss-run.js'

const [seed, rounds, pins, slotBytes = '0', recent = 'settled'] = process.argv.slice(2)
const directory = temporaryDirectory()
const run = new PowerLossRun({
  seed: Number(seed),
  rounds: Number(rounds),
  dir: directory.root,
  pins: pins as PowerLossOptions['pins'],
  recentSlotBytes: slotBytes === '0' ? null : Number(slotBytes),
  recent: recent as PowerLossOptions['recent'],
})
run.run()
directory.remove()
process.stdout.write(`survived ${rounds} cuts that lost ${run.pages.lost} pages and kept ${run.pages.kept}\n`)
