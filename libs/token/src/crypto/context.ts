/** The context of a record or key cannot be encoded; a programming fault, refused before any I/O. */
export class ContextInvalidError extends Error {
  readonly reason = 'CONTEXT_INVALID';
}

/**
 * Encodes the parts that a ciphertext is bound to: `u16 count ‖ (u16 length ‖ utf8)*`, big-endian. Unambiguous:
 * no two lists of parts have the same encoding. Parts must be well-formed strings; only immutable ids belong here.
 */
export function encodeContext(parts: readonly string[]): Buffer {
  const bytes = parts.map((part) => {
    // A lone surrogate would become U+FFFD and so collide with other strings.
    if (typeof part !== 'string' || !part.isWellFormed())
      throw new ContextInvalidError('context part is not a well-formed string');
    return Buffer.from(part, 'utf8');
  });
  const out = Buffer.allocUnsafe(2 + bytes.reduce((sum, part) => sum + 2 + part.length, 0));
  let offset = out.writeUInt16BE(bytes.length, 0);
  for (const part of bytes) {
    if (part.length > 0xffff) throw new ContextInvalidError('context part is longer than 65535 bytes');
    offset = out.writeUInt16BE(part.length, offset);
    offset += part.copy(out, offset);
  }
  return out;
}
