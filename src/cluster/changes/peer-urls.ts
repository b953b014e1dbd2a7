/** Peer URLs as a client gives them for a member: checked and sorted as etcd does it. */

/** Null when one of them is no URL that a member could be reached at, or when there is none. */
export function checkedPeerUrls(given: readonly string[]): string[] | null {
  const urls = given.map((url) => url.trim())
  return urls.length > 0 && urls.every(isPeerUrl) ? urls.sort() : null
}

function isPeerUrl(url: string): boolean {
  // A path is refused even if it is a slash alone; the host of a unix socket is its path.
  return /^https?:\/\/(?:\[[0-9a-f:.%\w]+\]|[^\s:/?#[\]]*):\d*$/i.test(url) || /^unixs?:\/\/[^\s/]+$/.test(url)
}
