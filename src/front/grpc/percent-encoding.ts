/** The encoding of `grpc-message`: UTF-8, with every octet outside printable ASCII, and '%', as %XX. */

const PLAIN = /^[ -$&-~]*$/
const HEX = '0123456789ABCDEF'

/** At most `bytesMax` octets; what is longer is cut between characters. */
export function percentEncode(text: string, bytesMax: number): string {
  if (text.length <= bytesMax && PLAIN.test(text)) return text
  let encoded = ''
  for (const character of text) {
    const piece = PLAIN.test(character) ? character : escape(character)
    if (encoded.length + piece.length > bytesMax) break
    encoded += piece
  }
  return encoded
}

function escape(character: string): string {
  let escaped = ''
  for (const octet of Buffer.from(character, 'utf8')) {
    escaped += `%${HEX.charAt(octet >> 4)}${HEX.charAt(octet & 15)}`
  }
  return escaped
}
