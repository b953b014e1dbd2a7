/** What one front's HTTP/1.1 connections have done so far, as plain numbers. */

export class Http1Counters {
  requests = 0
  /** Requests that HTTP itself does not let pass, by status. */
  malformed = 0
  tooLarge = 0
  tooSlow = 0
  unsupported = 0

  refuse(status: number): void {
    if (status === 408) this.tooSlow++
    else if (status === 431) this.tooLarge++
    else if (status === 400) this.malformed++
    else this.unsupported++
  }
}
