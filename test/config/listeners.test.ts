/** What flags of listeners and of TLS come to together, and what etcd refuses of it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conclude, type Config, type ConfigResult } from '../../src/config/config.js'
import { readFlags } from '../../src/config/flags.js'

const PAIR = ['--cert-file=/c.crt', '--key-file=/c.key']
const PEER_PAIR = ['--peer-cert-file=/p.crt', '--peer-key-file=/p.key']

function result(argv: readonly string[]): ConfigResult {
  const flags = readFlags(['--name=n1', '--data-dir=/d', '--advertise-client-urls=http://a:1', ...argv], {})
  if (!flags.ok) assert.fail(flags.message)
  if ('print' in flags) assert.fail(flags.print)
  return conclude(flags.raw, 2)
}

function config(...argv: readonly string[]): Config {
  const concluded = result(argv)
  return concluded.ok ? concluded.config : assert.fail(concluded.message)
}

function refusal(...argv: readonly string[]): string {
  const concluded = result(argv)
  return concluded.ok ? assert.fail('it was accepted') : concluded.message
}

function warnings(...argv: readonly string[]): string {
  const concluded = result(argv)
  return concluded.ok ? concluded.warnings.join('\n') : assert.fail(concluded.message)
}

function listeners(...argv: readonly string[]): string[] {
  return config(...argv).listeners.map(({ role, url, isPlain, isTls }) => {
    const speaks = [...(isPlain ? ['plain'] : []), ...(isTls ? ['tls'] : [])].join('+')
    return `${role} ${url.text} ${speaks}`
  })
}

test('every address is a listener with what it serves', () => {
  assert.deepEqual(
    listeners('--listen-client-urls=http://127.0.0.1:1,unix:///run/a', '--listen-metrics-urls=http://127.0.0.1:2'),
    [
      'client http://127.0.0.1:1 plain',
      'client unix:///run/a plain',
      'metrics http://127.0.0.1:2 plain',
      'peer http://localhost:2380 plain',
    ],
  )
})

test('with URLs for HTTP alone the others serve gRPC alone', () => {
  const flags = ['--listen-client-urls=http://127.0.0.1:1', '--listen-client-http-urls=http://127.0.0.1:2']
  assert.deepEqual(listeners(...flags).slice(0, 2), ['grpc http://127.0.0.1:1 plain', 'http http://127.0.0.1:2 plain'])
  assert.equal(
    refusal('--listen-client-urls=http://127.0.0.1:1', '--listen-client-http-urls=http://127.0.0.1:1'),
    'cannot bind both --listen-client-urls and --listen-client-http-urls on the same url http://127.0.0.1:1',
  )
})

test('one address in both schemes is one listener', () => {
  const [first, ...others] = listeners('--listen-client-urls=http://127.0.0.1:1,https://127.0.0.1:1', ...PAIR)
  assert.equal(first, 'client http://127.0.0.1:1 plain+tls')
  assert.deepEqual(others, ['peer http://localhost:2380 plain'])
})

test('a URL with TLS needs a certificate, for each side its own', () => {
  assert.equal(
    refusal('--listen-client-urls=https://127.0.0.1:1'),
    'TLS key/cert (--cert-file, --key-file) must be provided for client url https://127.0.0.1:1 with HTTPS scheme',
  )
  assert.equal(
    refusal('--listen-metrics-urls=https://127.0.0.1:1'),
    'client TLS key/cert (--cert-file, --key-file) must be provided for metrics secure url',
  )
  assert.equal(
    refusal('--listen-peer-urls=https://127.0.0.1:1', ...PAIR),
    'cannot listen on TLS for 127.0.0.1:1: KeyFile and CertFile are not presented',
  )
  assert.ok(config('--listen-client-urls=unixs:///run/a', '--auto-tls').clientTls?.isSelfSigned)
})

test('certificates that no URL uses are warned of', () => {
  const plain = '--listen-client-urls=http://127.0.0.1:1'
  assert.match(warnings(plain, ...PAIR), /ignoring key and cert files: client-url http:\/\/127\.0\.0\.1:1/u)
  assert.match(warnings(plain, '--client-cert-auth'), /--client-cert-auth is enabled; ignoring client cert auth/u)
  assert.match(warnings(...PEER_PAIR), /ignoring key and cert files: peer-url http:\/\/localhost:2380/u)
  assert.doesNotMatch(warnings('--listen-client-urls=https://127.0.0.1:1', ...PAIR), /ignoring/u)
})

test('a certificate and its key come together, and an own one beats a made one', () => {
  assert.equal(refusal('--cert-file=/c.crt'), 'KeyFile and CertFile must both be present[key: , cert: /c.crt]')
  assert.match(refusal(...PAIR, '--client-cert-file=/x'), /^ClientKeyFile and ClientCertFile must both be present/u)
  assert.match(warnings(...PAIR, '--auto-tls'), /ignoring --auto-tls since certificates are given/u)
  assert.equal(config(...PAIR, '--auto-tls').clientTls?.certFile, '/c.crt')
  assert.equal(config('--peer-auto-tls').peerTls?.certFile, '/d/fixtures/peer/cert.pem')
})

test('naming authorities makes certificates of clients mandatory', () => {
  assert.equal(config(...PAIR).clientTls?.requiresCertificates, false)
  assert.equal(config(...PAIR, '--trusted-ca-file=/ca').clientTls?.requiresCertificates, true)
  assert.equal(config(...PAIR, '--trusted-ca-file=/ca').clientTls?.clientCertAuth, false)
  assert.equal(config(...PAIR, '--client-cert-auth').clientTls?.requiresCertificates, true)
})

test('names and host names of members exclude each other', () => {
  assert.equal(
    refusal(...PEER_PAIR, '--peer-cert-allowed-cn=a,b', '--peer-cert-allowed-hostname=h'),
    'AllowedCNs and AllowedHostnames are mutually exclusive (cns=["a" "b"], hostnames=["h"])',
  )
})

test("cipher suites have IANA's names, become OpenSSL's, and are for TLS 1.2", () => {
  const suites = 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256'
  assert.equal(
    config(...PAIR, `--cipher-suites=${suites}`).clientTls?.ciphers,
    'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:' +
      'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305',
  )
  assert.equal(refusal(...PAIR, '--cipher-suites=AES'), 'unexpected TLS cipher suite "AES"')
  assert.equal(
    refusal(...PAIR, `--cipher-suites=${suites}`, '--tls-min-version=TLS1.3'),
    'cipher suites cannot be configured when only TLS1.3 is enabled',
  )
})
