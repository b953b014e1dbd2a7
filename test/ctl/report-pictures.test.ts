/** Pictures of reports, as text. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flowPicture } from '../../src/ctl/report/flow-svg.js'
import { pageHtml, tableHtml } from '../../src/ctl/report/page-html.js'
import { sizesGroup } from '../../src/ctl/report/sizes-svg.js'
import { escapeHtml, ticks } from '../../src/ctl/report/svg.js'

const PLACE = { x: 0, y: 0, width: 100, height: 80 }

test('what others wrote cannot become part of the page', () => {
  const bad = '</script><b onclick="x">&'
  assert.equal(escapeHtml(bad), '&#60;/script&#62;&#60;b onclick=&#34;x&#34;&#62;&#38;')
  const page = pageHtml({
    title: bad, facts: [[bad, bad]], charts: [], data: { bad },
    sections: [{ title: bad, text: bad, html: tableHtml([{ title: bad }], [[bad]]) }],
  })
  assert.ok(!page.includes(bad))
  assert.equal(page.split('</script>').length - 1, 1, 'the page has one script, its data')
  const data = /id="data">(.*)<\/script>/.exec(page)?.[1] ?? ''
  assert.deepEqual(JSON.parse(data), { bad })
})

test('axes have round steps', () => {
  assert.deepEqual(ticks(5.3), [0, 1, 2, 3, 4, 5])
  assert.deepEqual(ticks(0.34), [0, 0.1, 0.2, 0.30000000000000004])
  assert.deepEqual(ticks(0), [0])
})

test('a stage that took no time is not drawn', () => {
  const svg = flowPicture([
    { stage: 'decode', ms: 1, note: '' }, { stage: 'auth', ms: 0, note: '' }, { stage: 'apply', ms: 3, note: 'most' },
  ])
  assert.deepEqual([...svg.matchAll(/<title>(\w+): ([^,]+), ([^<]+)</g)].map(([, ...words]) => words), [
    ['decode', '1.0 ms', '25 %'], ['apply', '3.0 ms', '75 %\nmost'],
  ])
})

test('sizes of batches leave out what is empty on both sides', () => {
  const buckets = [[1, 0], [2, 3], [4, 0], [8, 1], [Infinity, 0]] as const
  const svg = sizesGroup({ name: 'wal', batches: 4, mean: 3, buckets }, 'entries', 'red', PLACE)
  assert.deepEqual([...svg.matchAll(/<title>([^<]+)</g)].map(([, text]) => text), [
    '2 entries: 3 batches, 75 %', '3 to 4 entries: 0 batches, 0.0 %', '5 to 8 entries: 1 batches, 25 %',
  ])
  const empty = sizesGroup({ name: 'wal', batches: 0, mean: 0, buckets: [] }, 'entries', 'red', PLACE)
  assert.ok(!empty.includes('<rect'))
})
