/** What this server says it is: clients compare versions, and decide by them what they may ask. */

/** The etcd version whose API is served. */
export const SERVER_VERSION = '3.7.1'
/** The version that a cluster of this server agrees on. */
export const CLUSTER_VERSION = '3.7.0'
export const STORAGE_VERSION = '3.7.0'

/** Negative, zero or positive as version `a`, such as 3.7.1, is below, equal to or above `b`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number)) as [number[], number[]]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** The version of the cluster that such a server can be in: 3.7.0 of 3.7.1. */
export function clusterVersionOf(serverVersion: string): string {
  return `${serverVersion.split('.').slice(0, 2).join('.')}.0`
}
