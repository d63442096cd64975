import { parseCursor } from '../../protocol/cursor.ts'
import { Refusal } from '../../protocol/errors.ts'
import { elementTexts, parseJson, withoutMember } from '../../protocol/json.ts'
import { LIMITS } from '../../protocol/limits.ts'
import { roomName } from '../../protocol/names.ts'
import { cursor, op, operationSchemas, type Ref, ref, room } from '../../protocol/operations.ts'
import { integer, object, text } from '../../protocol/schema.ts'
import { presenceOf } from '../query.ts'
import type { Start } from './asked.ts'

/** What a client may ask of the connection itself; whatever else it asks is for a room. */
export const multiSchemas = {
  join: object({
    op,
    ref,
    room,
    cursor,
    rewind: integer(0, Number.MAX_SAFE_INTEGER),
    presence: text({ says: '1, 0, or the rev that you know' }),
  }),
  leave: object({ op, ref, room }),
  ping: operationSchemas.ping,
  probe: operationSchemas.probe,
}

export type MultiOperation =
  | { readonly op: 'join'; readonly ref?: Ref; readonly room: string; readonly start: Start }
  | { readonly op: 'leave'; readonly ref?: Ref; readonly room: string }
  | { readonly op: 'ping'; readonly ref?: Ref }
  | { readonly op: 'probe'; readonly ref?: Ref }
  /** `text`: as its room takes it. `token`: it is `auth`, which is for the connection too. */
  | {
      readonly op: 'forward'
      readonly ref?: Ref
      readonly room: string
      readonly text: string
      readonly token?: string
    }

export type Parsed = MultiOperation | { readonly op?: never; readonly ref?: Ref; readonly refusal: Refusal }

/**
 * Reads one WebSocket message of a connection that follows several rooms (MULTI-6): an array of operations, or a bare one.
 * `presence`: of the rooms that it joins, if it does not say.
 * @throws Refusal `bad_request` when the message as a whole cannot be read
 */
export function readOperations(source: string, presence: string): Parsed[] {
  const value = parseJson(source)
  if (!Array.isArray(value)) return [read(value, source, presence)]
  if (value.length > LIMITS.operations) {
    throw new Refusal('bad_request', `One array holds at most ${LIMITS.operations} operations`)
  }
  const texts = elementTexts(source)
  return value.map((each, i) => read(each, texts[i] as string, presence))
}

function read(value: unknown, source: string, presence: string): Parsed {
  let known: { ref?: Ref } = {}
  try {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new Refusal('bad_request', 'An operation is an object with `op`')
    }
    if ('ref' in value) known = { ref: ref.check(value.ref, 'ref') }
    return { ...known, ...toOperation(value, source, presence) }
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal
    return { ...known, refusal }
  }
}

function toOperation(value: object, source: string, presence: string): MultiOperation {
  const name = 'op' in value ? op.check(value.op, 'op') : ''
  switch (name) {
    case 'ping':
    case 'probe':
      multiSchemas[name].check(value, name)
      return { op: name }
    case 'join': {
      const fields = multiSchemas.join.check(value, name)
      return { op: name, room: roomOf(fields, name), start: toStart({ presence, ...fields }) }
    }
    case 'leave':
      return { op: name, room: roomOf(multiSchemas.leave.check(value, name), name) }
    default:
      if (!Object.hasOwn(operationSchemas, name)) {
        throw new Refusal('unknown_op', name ? `There is no operation \`${name}\`` : 'An operation needs `op`')
      }
      return {
        op: 'forward',
        room: roomOf(value, name),
        text: withoutMember(source, 'room'),
        ...(name === 'auth' && 'token' in value && typeof value.token === 'string' && { token: value.token }),
      }
  }
}

/** @throws Refusal `bad_request`, `bad_room` */
function roomOf(fields: { readonly room?: unknown }, name: string): string {
  if (fields.room === undefined) throw new Refusal('bad_request', `\`${name}\` must name its \`room\``)
  return roomName(room.check(fields.room, 'room'))
}

function toStart({ cursor, rewind, presence }: { cursor?: string; rewind?: number; presence: string }): Start {
  if (cursor !== undefined) parseCursor(cursor)
  const from =
    cursor !== undefined ? { cursor } : rewind !== undefined ? { rewind: Math.min(rewind, LIMITS.rewind) } : {}
  return { ...from, ...presenceOf(() => presence) }
}
