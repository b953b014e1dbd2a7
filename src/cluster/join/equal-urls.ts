/** Whether peer URLs name the same places, as etcd compares them: by text, then by the addresses of names. */

/** An address of a host name, or null. */
export type ResolveHost = (host: string) => Promise<string | null>

export async function areEqualUrls(
  a: readonly string[],
  b: readonly string[],
  resolve: ResolveHost,
): Promise<boolean> {
  if (a.length !== b.length) return false
  const [left, right] = [[...a].sort(), [...b].sort()]
  if (left.every((url, i) => url === right[i])) return true
  const [first, second] = [await resolvedUrls(left, resolve), await resolvedUrls(right, resolve)]
  return first.every((url, i) => url === second[i])
}

async function resolvedUrls(urls: readonly string[], resolve: ResolveHost): Promise<string[]> {
  const resolved = await Promise.all(urls.map((url) => resolvedUrl(url, resolve)))
  return resolved.sort()
}

async function resolvedUrl(url: string, resolve: ResolveHost): Promise<string> {
  const match = /^(https?):\/\/(?:\[([^\]]+)\]|([^:/]+)):(\d+)\/?$/.exec(url)
  if (match === null) return url
  const [, scheme, address, name, port] = match
  const host = address ?? (await resolve(name as string)) ?? (name as string)
  return `${scheme}://${host}:${port}`
}
