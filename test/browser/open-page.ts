/** Opens a report in Debian's Chromium and says what the page is made of. */

import { strict as assert } from 'node:assert'
import { accessSync, constants } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { chromium, type Browser, type Page } from 'playwright-core'

const PROGRAMS = [
  process.env['CHROMIUM'] ?? '', '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome',
]

export async function launchBrowser(): Promise<Browser> {
  const program = PROGRAMS.find((path) => path !== '' && isProgram(path))
  assert(program !== undefined, 'no Chromium; `apt install chromium`, or name one in CHROMIUM')
  return chromium.launch({ executablePath: program, args: ['--no-sandbox'] })
}

export interface OpenReport {
  readonly page: Page
  /** What the page complained of. */
  readonly problems: readonly string[]
  /** What it asked for beside itself. */
  readonly requests: readonly string[]
}

export async function openReport(browser: Browser, file: string, options: object = {}): Promise<OpenReport> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options })
  const problems: string[] = []
  const requests: string[] = []
  const url = pathToFileURL(file).href
  page.on('pageerror', (error) => void problems.push(error.message))
  page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())))
  page.on('request', (request) => void (request.url() !== url && requests.push(request.url())))
  await page.goto(url)
  return { page, problems, requests }
}

/** Texts of a picture that overlap one another, or that stand out of it. */
export async function clashingTexts(page: Page, picture: number): Promise<string[]> {
  return page.evaluate(`(() => {
    const svg = document.querySelectorAll('svg[role=img]')[${picture}]
    const frame = svg.getBoundingClientRect()
    const texts = [...svg.querySelectorAll('text')].map((text) => [text.textContent, text.getBoundingClientRect()])
    const clashes = []
    texts.forEach(([text, a], i) => {
      if (a.left < frame.left - 1 || a.right > frame.right + 1) clashes.push(text + ' leaves the picture')
      for (const [other, b] of texts.slice(i + 1)) {
        const x = Math.min(a.right, b.right) - Math.max(a.left, b.left)
        const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)
        if (x > 2 && y > 4) clashes.push(text + ' over ' + other)
      }
    })
    return clashes
  })()`)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
