/** What is found while a configuration is concluded: what makes a start impossible, and what is only worth saying. */

export interface Findings {
  readonly problems: string[]
  readonly warnings: string[]
}
