/**
 * The offset of every field of every message, as committed text: a change of layout is visible in review. `UPDATE=1`
 * writes the file anew.
 */

import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { layoutOf, type Protocol } from '../../src/messages/protocol.js'

// The compiled test lies in dist/test/messages.
const EXPECTED = fileURLToPath(new URL('../../../test/messages/layout.txt', import.meta.url))
const COMPILED = new URL('../../src/messages/', import.meta.url)
const SOURCES = fileURLToPath(new URL('../../../src/messages/', import.meta.url))

/** Every `*-messages.ts` exports one protocol, named as its file. */
async function protocols(): Promise<[string, Protocol][]> {
  const files = readdirSync(SOURCES).filter((name) => name.endsWith('-messages.ts')).toSorted()
  return Promise.all(
    files.map(async (file): Promise<[string, Protocol]> => {
      const module = (await import(new URL(file.replace(/ts$/, 'js'), COMPILED).href)) as Record<string, Protocol>
      const name = file.replace('-messages.ts', 'Messages')
      const protocol = module[name]
      assert.ok(protocol !== undefined, `${file} exports ${name}`)
      return [name, protocol]
    }),
  )
}

function render(name: string, protocol: Protocol): string {
  const lines = [name]
  for (const [message, spec] of Object.entries(protocol)) {
    const layout = layoutOf(message, spec)
    lines.push(`  ${String(layout.number).padStart(3)} ${message}, ${layout.fixedBytes} bytes`)
    for (const { name: field, kind, offset } of layout.fields) {
      lines.push(`      ${String(offset).padStart(4)} ${kind.padEnd(5)} ${field}`)
    }
  }
  return `${lines.join('\n')}\n`
}

test('every message has the layout that was reviewed', async () => {
  const actual = (await protocols()).map(([name, protocol]) => render(name, protocol)).join('\n')
  if (process.env['UPDATE'] === '1') writeFileSync(EXPECTED, actual)
  assert.equal(actual, readFileSync(EXPECTED, 'utf8'), 'run with UPDATE=1 after a change that is meant')
})
