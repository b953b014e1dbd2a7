/** What `bench` uses of the package, which brings no types. */

declare module 'autocannon' {
  export interface Request {
    readonly method: string
    readonly path: string
    readonly body: string
  }

  export interface Options {
    readonly url: string
    readonly connections: number
    /** Seconds. */
    readonly duration: number
    readonly headers: Readonly<Record<string, string>>
    readonly requests: readonly Request[]
    /** Requests a second of all connections together; latency counts from when each was due then. */
    readonly overallRate?: number
  }

  export interface Result {
    readonly requests: { readonly total: number; readonly average: number }
    /** Milliseconds. */
    readonly latency: { readonly p50: number; readonly p99: number; readonly p99_9: number }
    /** Bytes a second. */
    readonly throughput: { readonly average: number }
    readonly non2xx: number
    readonly errors: number
  }

  export default function autocannon(options: Options): Promise<Result>
}
