/** How a command ends: with nothing more to say, or with a message and one of etcdctl's exit codes. */

export const ExitCode = Object.freeze({
  ok: 0,
  failed: 1,
  unsupportedFormat: 4,
  interrupted: 5,
  badArguments: 128,
})

export type CommandResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly message: string; readonly exitCode: number }

export const DONE: CommandResult = Object.freeze({ ok: true })

export function failed(message: string, exitCode: number = ExitCode.failed): CommandResult {
  return { ok: false, message, exitCode }
}
