/** Files, sockets, threads and packages are imported only where the file's name says so. */

import type { Problem, Project } from './project.js'

/** Parts of Node that touch the world outside the process. */
const DEVICES: ReadonlySet<string> = new Set([
  'node:child_process', 'node:cluster', 'node:dgram', 'node:dns', 'node:fs', 'node:fs/promises', 'node:http',
  'node:http2', 'node:https', 'node:net', 'node:tls', 'node:worker_threads',
])

/** The last word of a file's name that permits a device. */
const DEVICE_FILE = /-(?:actor|file|socket|server|store|worker)\.ts$/

/** Beside those: places whose whole business is a device, each with its reason. */
const DEVICE_PLACES: readonly { readonly place: RegExp; readonly device: RegExp }[] = [
  // Threads, their ports, and the log writer's descriptor.
  { place: /^src\/actor\//, device: /^node:(?:worker_threads|fs)$/ },
  { place: /^src\/(?:main\.ts|main\/)/, device: /./ },
  { place: /^src\/ctl\//, device: /./ },
  // `isIP` and the like: pure functions that happen to live in node:net.
  { place: /^src\/(?:config\/urls|listen\/certificate-check)\.ts$/, device: /^node:net$/ },
  // The data directory's lock, its files and their checkpoints.
  { place: /^src\/store\//, device: /^node:(?:fs|worker_threads)$/ },
]

/** Each package and the only places that may import it. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  lmdb: /^src\/store\/lmdb-/,
  comlink: /^src\/(?:actor\/|main\.ts|main\/|ctl\/)/,
  piscina: /^(?:src\/actor\/jobs\/|workers\/)/,
  msgpackr: /^src\/(?:store|actor|metrics|main|ctl|cluster|auth|wal)\//,
  ws: /^src\/front\/http\/|^test\//,
  'pprof-format': /^(?:src\/front\/pages|test)\//,
  'fastest-levenshtein': /^src\/config\//,
  yaml: /^(?:src|test)\/config\//,
  bcryptjs: /^src\/auth\/password-/,
  jose: /^src\/auth\/jwt-/,
  'ringbuf.js': /^bench\//,
  '@peculiar/x509': /^(?:src\/listen|test)\//,
  'reflect-metadata': /^(?:src\/listen|test)\//,
  autocannon: /^bench\//,
  'hdr-histogram-js': /^(?:src\/ctl\/load|bench|test)\//,
  commander: /^(?:src\/ctl|scripts\/support)\//,
  'cli-table3': /^src\/ctl\//,
  'fast-check': /^test\//,
  'playwright-core': /^test\/browser\//,
  raftring: /^test\//,
  etcd3: /^(?:test|bench)\//,
  '@grpc/grpc-js': /^(?:src\/(?:ctl|cluster\/discovery)|test|bench)\//,
  'parse-prometheus-text-format': /^test\//,
  protobufjs: /^(?:test|bench|scripts)\//,
  rollup: /^scripts\//,
  typescript: /^scripts\//,
}

export function checkDevices(project: Project): Problem[] {
  const problems: Problem[] = []
  for (const { path, imports } of project.sources) {
    for (const { specifier, target, line } of imports) {
      if (target !== null) continue
      const add = (message: string): void => void problems.push({ rule: 'devices', path, line, message })
      if (specifier.startsWith('node:')) {
        if (!path.startsWith('src/') || !DEVICES.has(specifier) || mayHold(path, specifier)) continue
        add(`imports ${specifier}: only *-actor, *-file, *-socket, *-server, *-store and *-worker files hold devices`)
        continue
      }
      const name = packageOf(specifier)
      const place = PACKAGES[name]
      if (place === undefined) add(`imports package ${name}, which scripts/tidy/devices.ts does not place`)
      else if (!place.test(path)) add(`imports package ${name}, which belongs in ${place.source}`)
    }
  }
  return problems
}

function mayHold(path: string, specifier: string): boolean {
  if (DEVICE_FILE.test(path)) return true
  return DEVICE_PLACES.some(({ place, device }) => place.test(path) && device.test(specifier))
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier)
}
