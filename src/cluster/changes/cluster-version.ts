/**
 * The version that a cluster works with: what all of its members can do. Its leader decides on it, and raises it when
 * the last old member is gone; a downgrade that somebody enabled takes it back by one.
 */

import { clusterVersionOf, compareVersions } from '../../config/versions.js'
import type { DowngradeInfo } from '../membership-table.js'

/** What every server version can be a member of; a cluster begins with it while not all members are known. */
export const VERSION_MIN = '3.0.0'

export interface VersionFacts {
  /** Such as 3.7.0; null before the cluster has agreed on one. */
  readonly current: string | null
  readonly downgrade: DowngradeInfo
  /** Server versions of all members; null for one that does not tell. */
  readonly versions: readonly (string | null)[]
}

/** The version to agree on; null when the present one stays. */
export function nextClusterVersion({ current, downgrade, versions }: VersionFacts): string | null {
  const lowest = lowestOf(versions)
  if (current === null) return lowest ?? VERSION_MIN
  if (lowest === null) return null
  if (downgrade.enabled) {
    const target = clusterVersionOf(downgrade.targetVersion)
    return compareVersions(target, current) < 0 && compareVersions(lowest, target) >= 0 ? target : null
  }
  return compareVersions(current, lowest) < 0 ? lowest : null
}

/** All members run the version that a downgrade was for: it has come to its end. */
export function isDowngraded({ downgrade, versions }: VersionFacts): boolean {
  if (!downgrade.enabled) return false
  const target = clusterVersionOf(downgrade.targetVersion)
  return versions.every((version) => version !== null && clusterVersionOf(version) === target)
}

function lowestOf(versions: readonly (string | null)[]): string | null {
  let lowest: string | null = null
  for (const version of versions) {
    if (version === null) return null
    const own = clusterVersionOf(version)
    if (lowest === null || compareVersions(own, lowest) < 0) lowest = own
  }
  return lowest
}
