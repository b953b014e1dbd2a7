/** What members that are about to join, and etcd's tools, ask on the port for members. */

import { text } from '../../base/bytes.js'
import { encodeMember } from '../../cluster/member-record.js'
import { SERVER_VERSION, STORAGE_VERSION } from '../../config/versions.js'
import type { MemberList } from '../member-list.js'
import type { PageAnswer } from './peer-http-server.js'

export class MemberPages {
  #members: string
  #version = versionJson('')

  constructor(members: MemberList) {
    this.#members = membersJson(members)
  }

  /** `version`: what the cluster has agreed on; empty before it has. */
  update(members: MemberList, version: string): void {
    this.#members = membersJson(members)
    this.#version = versionJson(version)
  }

  /** Null when there is no such page. */
  page(path: string): PageAnswer | null {
    switch (path) {
      case '/members':
        return { contentType: 'application/json', body: this.#members }
      case '/version':
        return { contentType: 'application/json', body: this.#version }
      default:
        return null
    }
  }
}

function membersJson(members: MemberList): string {
  return `[${members.map((member) => text(encodeMember(member))).join(',')}]\n`
}

/** As the page of the same name for clients. */
function versionJson(version: string): string {
  return JSON.stringify({
    etcdserver: SERVER_VERSION,
    etcdcluster: version === '' ? 'not_decided' : version,
    storage: version === '' ? 'unknown' : STORAGE_VERSION,
  })
}
