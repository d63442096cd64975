/**
 * The one place where the suite looks into a cursor: `<epoch>-<digits of the offset><offset>`, all in base 36.
 * To clients it is opaque; we need it to forge what a client would hold after a restored backup.
 */

export function offsetOf(cursor: string): number {
  const [, position = ''] = cursor.split('-')
  return Number.parseInt(position.slice(1), 36)
}

/** A cursor of the same log at another offset. */
export function at(cursor: string, offset: number): string {
  const [epoch] = cursor.split('-')
  const digits = offset.toString(36)
  return `${epoch}-${digits.length.toString(36)}${digits}`
}
