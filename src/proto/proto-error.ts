/** Why bytes are not a protobuf message: all that decoders throw on malformed input. */

export type ProtoErrorCode =
  | 'truncated'
  | 'badTag'
  | 'badWireType'
  | 'varintTooLong'
  | 'lengthPastEnd'
  | 'tooDeep'

export class ProtoError extends Error {
  override readonly name = 'ProtoError'
  readonly code: ProtoErrorCode

  constructor(code: ProtoErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
