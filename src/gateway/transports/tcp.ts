import { Refusal } from '../../protocol/errors.ts'
import { parseJson } from '../../protocol/json.ts'
import { roomName } from '../../protocol/names.ts'
import { op, ref, room } from '../../protocol/operations.ts'
import { either, integer, object, text } from '../../protocol/schema.ts'
import { admit } from '../access/admit.ts'
import type { Query } from '../parameters.ts'
import type { Leg, Runtime, Wire } from '../ports.ts'
import { presenceOf, sessionOf, startOf } from '../query.ts'

/** What it means is for the parameter of that name to say, as of a query. */
const value = either(
  text({ max: 8192, says: '' }),
  integer(0, Number.MAX_SAFE_INTEGER),
  'a text of at most 8,192 characters, or a whole number',
)

/** The first line of a TCP client (TCP-1). */
const openSchema = object(
  {
    op,
    ref,
    room,
    cursor: value,
    rewind: value,
    resume: value,
    presence: value,
    token: text({ max: 8192, pattern: '^[!-~]+$', says: 'a token or an API key' }),
  },
  ['room'],
)

/**
 * Lets a TCP client into the room that its first line names, by the way of every request: as one it is checked, mediated
 * and asked about. `from`: its address. @throws Refusal
 */
export async function tcp(line: string, from: string, leg: Leg, runtime: Runtime): Promise<Wire> {
  const { name, token, query } = readOpen(line)
  const request = new Request(`http://localhost/v1/rooms/${encodeURIComponent(name)}/tcp`, {
    // Nothing says by which name it was reached. While the gateway is open to this machine alone, what counts is who comes.
    headers: { host: hostOf(from), ...(token !== undefined && { authorization: `Bearer ${token}` }) },
  })
  const whence = runtime.address === undefined ? {} : { address: () => from }
  const admitted = await admit(request, new URL(request.url).pathname, { ...runtime, ...whence })
  const session = await sessionOf(name, query)
  const hello = { kind: 'tcp', codec: 'lines', ...startOf(query), ...presenceOf(query), ...session } as const
  return admitted.runtime.room(name).dial(hello, leg)
}

/** @throws Refusal `bad_request`, `unknown_op`, `unknown_field`, `bad_room` */
function readOpen(line: string): { name: string; token: string | undefined; query: Query } {
  const read = parseJson(line)
  if (typeof read === 'object' && read !== null && (!('op' in read) || read.op !== 'open')) {
    throw new Refusal('unknown_op', 'The first line must be {"op":"open","room":…}')
  }
  const { room: named, token, cursor, rewind, resume, presence } = openSchema.check(read, 'open')
  const given = new Map(Object.entries({ cursor, rewind, resume, presence }))
  const query: Query = (name) => {
    const found = given.get(name)
    return found === undefined ? undefined : `${found}`
  }
  return { name: roomName(named), token, query }
}

const hostOf = (address: string): string => (address.includes(':') ? `[${address}]` : address)
