/** Pieces of SVG and HTML as text. Everything that is not ours is escaped here. */

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)
}

export type Attributes = Readonly<Record<string, string | number>>

export function element(name: string, attributes: Attributes, content = ''): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeHtml(textOf(value))}"`)
  return `<${name}${list.join('')}>${content}</${name}>`
}

/** `text` is escaped. `title` is what a pointer over it shows. */
export function label(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escapeHtml(text))
}

export function rectangle(
  place: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  attributes: Attributes,
  title = '',
): string {
  return element('rect', { ...place, ...attributes }, title === '' ? '' : element('title', {}, escapeHtml(title)))
}

export function line(x1: number, y1: number, x2: number, y2: number, attributes: Attributes = {}): string {
  return element('line', { x1, y1, x2, y2, ...attributes })
}

/** Scales with its place on the page. `description` is for those who do not see it. */
export function picture(width: number, height: number, description: string, content: string): string {
  const attributes = { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': description }
  return element('svg', { xmlns: 'http://www.w3.org/2000/svg', ...attributes }, content)
}

/** About what a text of the page's small font is wide. */
export function textWidth(text: string, fontSize = 11): number {
  return text.length * fontSize * 0.56
}

function textOf(value: string | number): string {
  return typeof value === 'number' ? String(Math.round(value * 100) / 100) : value
}

/** Round steps of an axis from 0 to `max`, some four to eight. */
export function ticks(max: number): number[] {
  if (!(max > 0)) return [0]
  const rough = max / 6
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power
  return Array.from({ length: Math.floor(max / step) + 1 }, (_, i) => i * step)
}
