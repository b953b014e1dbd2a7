/** What the browser checks use of the package, so that the sources compile before it is installed. */

declare module 'playwright-core' {
  export interface Locator {
    count(): Promise<number>
    allTextContents(): Promise<string[]>
    first(): Locator
    nth(index: number): Locator
    boundingBox(): Promise<{ x: number; y: number; width: number; height: number } | null>
    hover(): Promise<void>
    evaluateAll<T>(body: (elements: never[]) => T): Promise<T>
  }
  export interface Page {
    on(event: 'pageerror', listener: (error: Error) => void): void
    on(event: 'console', listener: (message: { type(): string; text(): string }) => void): void
    on(event: 'request', listener: (request: { url(): string }) => void): void
    goto(url: string): Promise<unknown>
    locator(selector: string): Locator
    evaluate<T>(body: string): Promise<T>
    setViewportSize(size: { width: number; height: number }): Promise<void>
    screenshot(options: { path: string; fullPage: boolean }): Promise<unknown>
    close(): Promise<void>
  }
  export interface Browser {
    newPage(options?: object): Promise<Page>
    version(): string
    close(): Promise<void>
  }
  export const chromium: { launch(options: object): Promise<Browser> }
}
