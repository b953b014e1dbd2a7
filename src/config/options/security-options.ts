/** TLS on both sides, and who may do what. */

import { option, type OptionSpec } from './option-spec.js'

const CLIENTS = 'TLS for clients'
const MEMBERS = 'TLS between members'

export const SECURITY_OPTIONS: readonly OptionSpec[] = [
  option({
    name: 'cert-file', kind: 'string', default: '', section: CLIENTS,
    text: 'Certificate shown to clients.',
  }),
  option({
    name: 'key-file', kind: 'string', default: '', section: CLIENTS,
    text: 'Key of --cert-file.',
  }),
  option({
    name: 'client-cert-file', kind: 'string', default: '', section: CLIENTS,
    text: 'Certificate for calls to this server itself; --cert-file when empty.',
  }),
  option({
    name: 'client-key-file', kind: 'string', default: '', section: CLIENTS,
    text: 'Key of --client-cert-file.',
  }),
  option({
    name: 'client-cert-auth', kind: 'bool', default: 'false', section: CLIENTS,
    text: 'Require certificates of clients; their common names are user names when authentication is on.',
  }),
  option({
    name: 'client-crl-file', kind: 'string', default: '', section: CLIENTS,
    text: 'Certificates of clients that are revoked.',
  }),
  option({
    name: 'client-cert-allowed-hostname', kind: 'list', default: '', section: CLIENTS,
    text: "Host names of which a client's certificate must hold one.",
  }),
  option({
    name: 'trusted-ca-file', kind: 'string', default: '', section: CLIENTS,
    text: 'Certificate authorities of clients; requires certificates of them.',
  }),
  option({
    name: 'auto-tls', kind: 'bool', default: 'false', section: CLIENTS,
    text: 'Serve clients with a certificate made and signed here.',
  }),
  option({
    name: 'self-signed-cert-validity', kind: 'count', default: '1', section: CLIENTS,
    text: 'Years for which certificates made here are valid (0 is 1).',
  }),
  option({
    name: 'cipher-suites', kind: 'list', default: '', section: CLIENTS,
    text: 'Cipher suites of TLS 1.2, for clients and members; those of the runtime when empty.',
  }),
  option({
    name: 'tls-min-version', kind: 'string', default: 'TLS1.2', section: CLIENTS,
    text: 'Oldest version of TLS, for clients and members: TLS1.2 or TLS1.3.',
  }),
  option({
    name: 'tls-max-version', kind: 'string', default: '', section: CLIENTS,
    text: 'Newest version of TLS, for clients and members: TLS1.2, TLS1.3, or empty for the newest there is.',
  }),

  option({
    name: 'peer-cert-file', kind: 'string', default: '', section: MEMBERS,
    text: 'Certificate shown to other members.',
  }),
  option({
    name: 'peer-key-file', kind: 'string', default: '', section: MEMBERS,
    text: 'Key of --peer-cert-file.',
  }),
  option({
    name: 'peer-client-cert-file', kind: 'string', default: '', section: MEMBERS,
    text: 'Certificate for calls to other members; --peer-cert-file when empty.',
  }),
  option({
    name: 'peer-client-key-file', kind: 'string', default: '', section: MEMBERS,
    text: 'Key of --peer-client-cert-file.',
  }),
  option({
    name: 'peer-client-cert-auth', kind: 'bool', default: 'false', section: MEMBERS,
    text: 'Require certificates of other members.',
  }),
  option({
    name: 'peer-trusted-ca-file', kind: 'string', default: '', section: MEMBERS,
    text: 'Certificate authorities of other members; requires certificates of them.',
  }),
  option({
    name: 'peer-auto-tls', kind: 'bool', default: 'false', section: MEMBERS,
    text: 'Serve other members with a certificate made and signed here.',
  }),
  option({
    name: 'peer-crl-file', kind: 'string', default: '', section: MEMBERS,
    text: 'Certificates of members that are revoked.',
  }),
  option({
    name: 'peer-cert-allowed-cn', kind: 'list', default: '', section: MEMBERS,
    text: "Common names of which a member's certificate must hold one.",
  }),
  option({
    name: 'peer-cert-allowed-hostname', kind: 'list', default: '', section: MEMBERS,
    text: "Host names of which a member's certificate must hold one.",
  }),
  option({
    name: 'peer-skip-client-san-verification', kind: 'bool', default: 'false', section: MEMBERS,
    experimental: 'peer-skip-client-san-verification',
    text: "Do not compare a member's address with the names of its certificate.",
  }),

  option({
    name: 'auth-token', kind: 'string', default: 'simple', section: 'Authentication',
    text: "Kind of tokens: 'simple', or 'jwt,sign-method=RS256,pub-key=...,priv-key=...,ttl=5m'.",
  }),
  option({
    name: 'auth-token-ttl', kind: 'count', default: '300', section: 'Authentication',
    text: 'Seconds for which a simple token is valid after its last use.',
  }),
  option({
    name: 'bcrypt-cost', kind: 'count', default: '10', section: 'Authentication',
    text: 'Cost of hashing a password, 4 to 31; anything else is 10.',
  }),

  option({
    name: 'cors', kind: 'list', default: '*', section: 'HTTP and JSON',
    text: 'Origins whose pages may call the HTTP endpoints.',
  }),
  option({
    name: 'host-whitelist', kind: 'list', default: '*', section: 'HTTP and JSON',
    text: 'Host names under which plain HTTP requests are answered.',
  }),
  option({
    name: 'enable-grpc-gateway', kind: 'bool', default: 'true', section: 'HTTP and JSON',
    text: 'Serve the JSON gateway, /v3/...',
  }),
]
