/** Text that arrives in pieces, taken line by line, with a bound on every wait. */

const WAIT_MS_MAX = 15_000

export class LineReader {
  #text = ''
  #isEnded = false
  #wake: (() => void) | undefined

  push(text: string): void {
    this.#text += text
    this.#wake?.()
  }

  end(): void {
    this.#isEnded = true
    this.#wake?.()
  }

  /** The next whole line; throws when the text ends before it. */
  async next(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf('\n')
      if (end >= 0) {
        const line = this.#text.slice(0, end)
        this.#text = this.#text.slice(end + 1)
        return line
      }
      if (this.#isEnded) throw new Error(`ended inside a line: ${this.#text}`)
      await this.#more()
    }
  }

  /** Waits for the end; what no line was read of. */
  async rest(): Promise<string> {
    while (!this.#isEnded) await this.#more()
    return this.#text
  }

  async #more(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`nothing more came; there is: ${this.#text}`)), WAIT_MS_MAX)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
