#!/usr/bin/env node
/** raftringctl: tools beside the server. One file for each command; this one only reads what was typed. */

import { writeSync } from 'node:fs'
import { systemClock } from '../base/system-clock.js'
import { ExitCode } from './command-result.js'
import { buildProgram, normalArguments } from './program.js'

const STDOUT = 1
const STDERR = 2

const program = buildProgram({
  print: (line) => void writeSync(STDOUT, `${line}\n`),
  fail: (message, exitCode) => {
    writeSync(STDERR, `Error: ${message}\n`)
    process.exit(exitCode)
  },
  nowMs: () => systemClock.wallMs(),
  random: Math.random,
})

try {
  await program.parseAsync(normalArguments(process.argv.slice(2)), { from: 'user' })
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException
  // The system refused something, such as a directory that may not be written. Anything else is a bug and says where.
  if (code === undefined) throw error
  writeSync(STDERR, `Error: ${message}\n`)
  process.exit(ExitCode.failed)
}
