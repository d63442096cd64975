import { fromBase64 } from './bytes.ts'
import { InvalidData, type Schema, validate } from './schema.ts'
import type { RawMessage } from './transports/wire.ts'

export interface Message<T = unknown> extends Omit<RawMessage, 'data' | 'bytes'> {
  /** What was published: any JSON, or bytes, which no schema is asked about. */
  readonly data: T
}

export interface Invalid extends Omit<Message, 'type'> {
  readonly type: 'invalid'
  readonly error: InvalidData
}

/** Reads a message; at once, if the schema can tell at once. */
export function decode<T>(
  { bytes, data, ...rest }: RawMessage,
  schema: Schema<T> | undefined,
): Message<T> | Invalid | Promise<Message<T> | Invalid> {
  if (bytes !== undefined) return { ...rest, data: fromBase64(bytes) as T }
  const told = (checked: T | InvalidData): Message<T> | Invalid =>
    checked instanceof InvalidData ? { ...rest, type: 'invalid', data, error: checked } : { ...rest, data: checked }
  const checked = validate(schema, data)
  return checked instanceof Promise ? checked.then(told) : told(checked)
}
