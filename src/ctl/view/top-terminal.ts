/** The terminal that `raftringctl top` runs in: `q`, ctrl-C and the signals end it. */

import { writeSync } from 'node:fs'
import type { Print } from '../output.js'
import type { TopTerminal } from './top.js'

const STDOUT = 1
const ROWS_DEFAULT = 50
const CTRL_C = '\u0003'

export function openTerminal(print: Print): TopTerminal {
  const { stdin, stdout } = process
  let isEnded = false
  let wake = (): void => undefined
  const end = (): void => {
    isEnded = true
    wake()
  }
  const onKey = (bytes: Buffer): void => {
    const keys = bytes.toString()
    if (keys.includes('q') || keys.includes(CTRL_C)) end()
  }
  const isRaw = stdin.isTTY === true && stdout.isTTY === true
  if (isRaw) {
    stdin.setRawMode(true)
    stdin.resume()
    stdin.on('data', onKey)
  }
  process.on('SIGINT', end)
  process.on('SIGTERM', end)
  return {
    print,
    isLive: stdout.isTTY === true,
    rows: () => stdout.rows ?? ROWS_DEFAULT,
    write: (text) => void writeSync(STDOUT, text),
    pause: (ms) =>
      new Promise((resolve) => {
        if (isEnded) return resolve(true)
        const timer = setTimeout(() => resolve(false), ms)
        wake = () => {
          clearTimeout(timer)
          resolve(true)
        }
      }),
    close: () => {
      process.removeListener('SIGINT', end)
      process.removeListener('SIGTERM', end)
      stdin.removeListener('data', onKey)
      if (isRaw) stdin.setRawMode(false)
      stdin.pause()
    },
  }
}
