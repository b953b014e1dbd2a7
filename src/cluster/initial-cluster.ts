/** The first configuration as `--initial-cluster` gives it: names and peer URLs, checked as etcd checks them. */

import { parseUrls } from '../config/urls.js'

export interface NamedMember {
  readonly name: string
  /** Sorted. */
  readonly peerUrls: readonly string[]
}

export type InitialCluster =
  | { readonly ok: true; readonly members: readonly NamedMember[] }
  | { readonly ok: false; readonly message: string }

/** Parses `n1=http://10.0.0.1:2380,n2=...`; a name may come more than once, with one URL each time. */
export function parseInitialCluster(text: string): InitialCluster {
  const urlsByName = new Map<string, string[]>()
  for (const part of text.split(',')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = (equals < 0 ? part : part.slice(0, equals)).trim()
    const parsed = parseUrls(equals < 0 ? '' : part.slice(equals + 1))
    if (!parsed.ok) return refused(`--initial-cluster ${text}: ${parsed.message}`)
    const urls = urlsByName.get(name) ?? []
    urls.push(...parsed.urls.map((url) => url.text))
    urlsByName.set(name, urls)
  }
  if (urlsByName.size === 0) return refused('initial cluster unset and no discovery URL found')
  const members = [...urlsByName].map(([name, urls]) => ({ name, peerUrls: urls.sort() }))
  const all = members.flatMap((member) => member.peerUrls)
  if (new Set(all).size < all.length) return refused(`initial cluster ${text} has duplicate url`)
  return { ok: true, members }
}

/** Null when this member is in the configuration with the URLs that it advertises; otherwise the reason. */
export function bootstrapProblem(
  members: readonly NamedMember[],
  name: string,
  advertised: readonly string[],
): string | null {
  const own = members.find((member) => member.name === name)
  if (own === undefined) return `couldn't find local name "${name}" in the initial cluster configuration`
  const listed = own.peerUrls.map(comparable)
  const said = advertised.map(comparable)
  const missing = own.peerUrls.filter((_, i) => !said.includes(listed[i] as string))
  if (missing.length > 0) {
    const pairs = missing.map((url) => `${name}=${url}`).join(',')
    return `--initial-cluster has ${pairs} but missing from --initial-advertise-peer-urls=${advertised.join(',')}`
  }
  const extra = advertised.filter((_, i) => !listed.includes(said[i] as string))
  if (extra.length === 0) return null
  const pairs = extra.map((url) => `${name}=${url}`).join(',')
  return `--initial-cluster must include ${pairs} given --initial-advertise-peer-urls=${advertised.join(',')}`
}

/** `localhost` and its address are the same place; other names are compared as they are written. */
function comparable(url: string): string {
  return url.replace('://localhost:', '://127.0.0.1:')
}

function refused(message: string): InitialCluster {
  return { ok: false, message }
}
