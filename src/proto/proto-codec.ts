/** What every generated codec can do, for code that learns the message type at run time. */

export interface ProtoCodec<Message = object, Input = object> {
  /** The message, in memory of its own. */
  decode(bytes: Uint8Array, start?: number, end?: number): Message
  /** As `decode`, but fields of type bytes are views of `bytes`: for who is done before those change. */
  peek(bytes: Uint8Array, start?: number, end?: number): Message
  encode(message: Input): Uint8Array
  /** Bytes that `encode` would return; `write` after it costs no second measuring. */
  sizeOf(message: Input): number
  /** Writes the encoding to `target` at `at` and returns the offset after it. */
  write(message: Input, target: Uint8Array, at: number): number
}
