/** Numbers as people read them at a glance. */

const BLOCKS = '▁▂▃▄▅▆▇█'

/** 12, 1.2k, 34k, 5.6M. */
export function shortCount(value: number): string {
  if (!Number.isFinite(value)) return '-'
  if (value < 0) return `-${shortCount(-value)}`
  if (value < 1000) return value < 10 && value % 1 !== 0 ? value.toFixed(1) : String(Math.round(value))
  const power = value < 999_500 ? 1 : value < 999_500_000 ? 2 : 3
  const scaled = value / 1000 ** power
  return `${scaled < 9.95 ? scaled.toFixed(1) : Math.round(scaled)}${'kMG'.charAt(power - 1)}`
}

/** 0, 8 us, 1.2 ms, 3.4 s. */
export function shortTime(ms: number): string {
  if (!(ms > 0)) return '0'
  if (ms < 0.9995) return `${Math.round(ms * 1000)} us`
  if (ms < 999.5) return `${ms < 9.95 ? ms.toFixed(1) : Math.round(ms)} ms`
  return `${(ms / 1000).toFixed(1)} s`
}

/** 512 B, 1.5 KiB, 40 MiB. */
export function shortBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[power - 1]}`
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %`
}

/** A bar of `width` characters at most. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8)
  const rest = eighths % 8
  return '█'.repeat(Math.floor(eighths / 8)) + (rest === 0 ? '' : '▏▎▍▌▋▊▉'[rest - 1])
}

/** A line of blocks, the highest of which is the largest value. */
export function sparkline(values: readonly number[]): string {
  const max = Math.max(...values, 0)
  if (max === 0) return BLOCKS.charAt(0).repeat(values.length)
  return values.map((value) => BLOCKS.charAt(Math.min(7, Math.floor((value / max) * 7.999)))).join('')
}
