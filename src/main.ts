#!/usr/bin/env node
/** The server's entry: flags in, exit code out. */

import { writeSync } from 'node:fs'
import { actorBuilders } from '../workers/actor-builders.js'
import { writeAll } from './actor/log/log-sink.js'
import { loadPackage } from './base/load-package.js'
import { readConfigText } from './config/config-file.js'
import { conclude, type Config } from './config/config.js'
import { readFlags } from './config/flags.js'
import { helpText, versionText } from './config/help.js'
import { readHostFacts } from './main/host-facts.js'
import { tellServiceManager } from './main/service-manager.js'
import { findTraps } from './main/traps.js'
import { bootNode, type RunningNode } from './node.js'

const EXIT_FAILED = 1
const STDOUT = 1
const STDERR = 2

async function main(): Promise<void> {
  const flags = readFlags(process.argv.slice(2), process.env, readConfigText)
  if (!flags.ok) return refuse(flags.message, flags.exitCode)
  if ('print' in flags) {
    const text = Buffer.from(flags.print === 'help' ? helpText() : versionText(ownVersion()))
    writeAll(STDOUT, text, text.length)
    return
  }
  const concluded = conclude(flags.raw)
  if (!concluded.ok) return refuse(concluded.message, EXIT_FAILED)
  await run(concluded.config, concluded.warnings)
}

async function run(config: Config, warnings: readonly string[]): Promise<void> {
  let node: RunningNode | null = null
  let stopReason: string | null = null
  const stop = (reason: string): void => {
    // Asked twice, or before there is anything to finish: the user does not want to wait.
    if (stopReason !== null || node === null) process.exit(node === null ? 0 : EXIT_FAILED)
    stopReason = reason
    // An exit before the service manager's own program has run would take its message along.
    const told = tellServiceManager(process.env, ['STOPPING=1'])
    void Promise.all([node.stop(reason), told]).then(() => process.exit(0))
  }
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))
  process.on('SIGUSR2', () => void node?.logStats())
  const started = await bootNode({
    config,
    warnings,
    builders: actorBuilders,
    onFailure: () => process.exit(EXIT_FAILED),
    onRemoved: stop,
    onNotice: (line) => writeSync(STDERR, `raftring: ${line}\n`),
  })
  if (!started.ok) return refuse(started.message, EXIT_FAILED)
  node = started.node
  const told = tellServiceManager(process.env, ['--ready', '--status=serving clients'])
  for (const trap of findTraps(config, readHostFacts(config))) node.logger.warn('main', trap)
  const problem = await told
  if (problem !== null) node.logger.warn('main', 'systemd was not told that clients are served', { problem })
}

function refuse(message: string, exitCode: number): never {
  writeSync(STDERR, `raftring: ${message}\n`)
  process.exit(exitCode)
}

function ownVersion(): string {
  return (loadPackage('raftring/package.json') as { readonly version: string }).version
}

await main()
