import { randomSecret } from '../../auth/secrets.ts'
import { Refusal } from '../../protocol/errors.ts'
import { parseJson } from '../../protocol/json.ts'
import { roomName } from '../../protocol/names.ts'
import { op, ref, room } from '../../protocol/operations.ts'
import { either, integer, object, text } from '../../protocol/schema.ts'
import { admit } from '../access/admit.ts'
import { named as withName } from '../observed.ts'
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
 * and asked about, and by a name of its own the log tells of it. `from`: its address. @throws Refusal
 */
export async function tcp(line: string, from: string, leg: Leg, runtime: Runtime): Promise<Wire> {
  const named = withName(runtime, randomSecret())
  const started = Date.now()
  const told: { room?: string } = {}
  const tell = (what: string, facts = {}) => named.tell('debug', what, { ...told, ...facts, ms: Date.now() - started })
  try {
    const opening = readOpen(line)
    told.room = opening.name
    const wire = await open(opening, from, leg, named)
    tell('A TCP client was answered')
    let isOver = false
    const close = (): void => {
      wire.close()
      if (!isOver) tell('A TCP client is gone')
      isOver = true
    }
    return { ...wire, close }
  } catch (error) {
    if (!(error instanceof Refusal)) named.report(error)
    const refusal = error instanceof Refusal ? error : new Refusal('storage', 'It could not be let in')
    tell('A TCP client was answered', { code: refusal.code })
    throw refusal
  }
}

/** @throws Refusal */
async function open({ name, token, query }: Opening, from: string, leg: Leg, runtime: Runtime): Promise<Wire> {
  const request = new Request(`http://localhost/v1/rooms/${encodeURIComponent(name)}/tcp`, {
    // Nothing says by which name it was reached. While the gateway is open to this machine alone, what counts is who comes.
    headers: { host: hostOf(from), ...(token !== undefined && { authorization: `Bearer ${token}` }) },
  })
  const whence = runtime.address === undefined ? {} : { address: () => from }
  const admitted = await admit(request, new URL(request.url).pathname, () => undefined, { ...runtime, ...whence })
  const session = sessionOf(name, query)
  const hello = { kind: 'tcp', codec: 'lines', ...startOf(query), ...presenceOf(query), ...session } as const
  return admitted.runtime.room(name).dial(hello, leg)
}

interface Opening {
  readonly name: string
  readonly token: string | undefined
  readonly query: Query
}

/** @throws Refusal `bad_request`, `unknown_op`, `unknown_field`, `bad_room` */
function readOpen(line: string): Opening {
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
