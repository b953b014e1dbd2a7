/** Compares versions of storage, such as 3.7.0. */

/** False for an empty version: servers before etcd 3.6 write none. */
export function isNewerVersion(version: string, than: string): boolean {
  const [major = 0, minor = 0] = numbersOf(version)
  const [ownMajor = 0, ownMinor = 0] = numbersOf(than)
  return major > ownMajor || (major === ownMajor && minor > ownMinor)
}

function numbersOf(version: string): number[] {
  return version.split('.').map(Number)
}
