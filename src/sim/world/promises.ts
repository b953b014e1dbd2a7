/** Lets promises run to where they wait again, as a thread's event loop does between two turns; no time passes. */
export function promisesHaveRun(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
