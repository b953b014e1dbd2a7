/** `raftringctl top`: what a running server does, again and again. */

import { DONE, failed, type CommandResult } from '../command-result.js'
import type { Print } from '../output.js'
import { readNode, type NodeReading } from './node-reading.js'
import { viewBetween } from './node-view.js'
import { PageClient, type PageServer } from './page-client.js'
import { topScreen } from './top-screen.js'

export interface TopOptions extends PageServer {
  readonly intervalMs: number
  /** One view, after one interval. */
  readonly isOnce: boolean
  readonly isJson: boolean
  readonly isWhole: boolean
  readonly nowMs: () => number
}

/** Where views go, and how the person says that it is enough. */
export interface TopTerminal {
  readonly print: Print
  /** True when what is shown may be replaced. */
  readonly isLive: boolean
  readonly rows: () => number
  /** Writes as it is, escape sequences included. */
  readonly write: (text: string) => void
  /** Resolves after the time, or with true as soon as the end is asked for. */
  readonly pause: (ms: number) => Promise<boolean>
  readonly close: () => void
}

const HISTORY_MAX = 60
const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

export async function top(options: TopOptions, terminal: TopTerminal): Promise<CommandResult> {
  const isLive = terminal.isLive && !options.isOnce && !options.isJson
  const history: number[] = []
  let isEntered = false
  try {
    const client = new PageClient(options)
    let before = await readNode(client, options.nowMs)
    for (;;) {
      if (await terminal.pause(options.intervalMs)) return DONE
      const after = await readNode(client, options.nowMs)
      if (isLive && !isEntered) {
        terminal.write(ENTER)
        isEntered = true
      }
      show(options, terminal, isLive, before, after, history)
      if (options.isOnce) return DONE
      before = after
    }
  } catch (error) {
    return failed((error as Error).message)
  } finally {
    if (isEntered) terminal.write(LEAVE)
    terminal.close()
  }
}

function show(
  options: TopOptions,
  terminal: TopTerminal,
  isLive: boolean,
  before: NodeReading,
  after: NodeReading,
  history: number[],
): void {
  const view = viewBetween(before, after)
  if (options.isJson) {
    terminal.print(JSON.stringify({ endpoint: options.endpoint, ...view }))
    return
  }
  history.push(view.calls.reduce((sum, { perSecond }) => sum + perSecond, 0))
  if (history.length > HISTORY_MAX) history.shift()
  const wallMs = after.stages?.wallMs ?? 0
  const clock = wallMs > 0 ? new Date(wallMs).toISOString().slice(11, 19) : ''
  const text = topScreen(view, { endpoint: options.endpoint, clock, history, isWhole: options.isWhole })
  if (!isLive) {
    terminal.print(text)
    if (!options.isOnce) terminal.print('')
    return
  }
  const lines = text.split('\n').slice(0, Math.max(1, terminal.rows() - 1))
  terminal.write(`${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join('\n')}${CLEAR_BELOW}`)
}
