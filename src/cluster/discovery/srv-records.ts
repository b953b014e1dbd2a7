/**
 * A first configuration out of DNS: `_etcd-server-ssl._tcp.<domain>` and `_etcd-server._tcp.<domain>` name the members'
 * peer URLs. Which of them is this member is found by its address; the others get numbers for names.
 */

import type { ResolveHost } from '../join/equal-urls.js'

export interface SrvRecord {
  readonly name: string
  readonly port: number
}

export interface Dns {
  /** Rejects when there are no such records. */
  resolveSrv(name: string): Promise<readonly SrvRecord[]>
  readonly resolveHost: ResolveHost
}

export interface SrvOptions {
  readonly domain: string
  /** Added to the services' names after a dash. */
  readonly serviceName: string
  readonly name: string
  readonly advertisePeerUrls: readonly string[]
  readonly dns: Dns
}

export type SrvResult =
  | { readonly ok: true; readonly initialCluster: string; readonly notes: readonly string[] }
  | { readonly ok: false; readonly message: string }

export async function initialClusterFromSrv(options: SrvOptions): Promise<SrvResult> {
  const suffix = options.serviceName === '' ? '' : `-${options.serviceName}`
  const found: string[] = []
  const problems: string[] = []
  for (const { scheme, service } of [
    { scheme: 'https', service: `etcd-server-ssl${suffix}` },
    { scheme: 'http', service: `etcd-server${suffix}` },
  ]) {
    const part = await membersOf(options, scheme, service)
    if (typeof part === 'string') problems.push(`error querying DNS SRV records for _${service} ${part}`)
    else found.push(...part)
  }
  if (found.length === 0) return { ok: false, message: problems.join('\n') }
  const hasOwn = found.some((part) => part.startsWith(`${options.name}=`))
  if (!hasOwn) return { ok: false, message: `cannot find local etcd member "${options.name}" in SRV records` }
  return { ok: true, initialCluster: found.join(','), notes: problems }
}

/** `name=url` of each record, or why there is none. */
async function membersOf(options: SrvOptions, scheme: string, service: string): Promise<string[] | string> {
  const { dns, domain, name } = options
  const own = await ownAddresses(options)
  let records: readonly SrvRecord[]
  try {
    records = await dns.resolveSrv(`_${service}._tcp.${domain}`)
  } catch (error) {
    return (error as Error).message
  }
  const parts: string[] = []
  let problem = 'no record'
  let number = 0
  for (const record of records) {
    const host = record.name.replace(/\.$/, '')
    const address = await dns.resolveHost(host)
    if (address === null) {
      problem = `${host} has no address`
      continue
    }
    const ownScheme = own.get(`${address}:${record.port}`)
    const url = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${record.port}`
    if (ownScheme !== undefined && ownScheme !== scheme) {
      problem = `bootstrap at ${url} from DNS for ${service} has scheme mismatch with expected peer ${ownScheme}`
      continue
    }
    parts.push(`${ownScheme === undefined ? number++ : name}=${url}`)
  }
  return parts.length === 0 ? problem : parts
}

/** Schemes of the advertised URLs by address and port. */
async function ownAddresses({ advertisePeerUrls, dns }: SrvOptions): Promise<ReadonlyMap<string, string>> {
  const own = new Map<string, string>()
  for (const url of advertisePeerUrls) {
    const match = /^(https?):\/\/(?:\[([^\]]+)\]|([^:/]+)):(\d+)/.exec(url)
    if (match === null) continue
    const host = match[2] ?? (match[3] as string)
    own.set(`${(await dns.resolveHost(host)) ?? host}:${match[4]}`, match[1] as string)
  }
  return own
}
