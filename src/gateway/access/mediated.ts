import type { Bearer } from '../../auth/gate.ts'
import type { Capability } from '../../protocol/capabilities.ts'
import { CLOSE } from '../../protocol/codes.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { Command, Hello } from '../../room/ports.ts'
import type { Leg, RoomStub, Runtime, Wire } from '../ports.ts'

/** What each command needs. `history` is for what is older than ten minutes, which the room itself sees to. */
const NEEDS: Readonly<Record<Command['type'], Capability>> = {
  publish: 'publish',
  batch: 'publish',
  history: 'subscribe',
  presence: 'presence',
  present: 'presence',
  sessions: 'manage',
  session: 'manage',
  disconnect: 'manage',
  revoke: 'manage',
  info: 'subscribe',
  dead: 'manage',
  resend: 'manage',
}

/** The runtime as one bearer may use it: no route comes to a room but through here, and the room learns who it is. */
export const mediated = (runtime: Runtime, bearer: Bearer, request: Request): Runtime => {
  const address = runtime.address?.(request)
  const whence = address === undefined ? {} : { address }
  return { ...runtime, room: (name) => mediatedRoom(runtime.room(name), bearer, name, whence) }
}

function mediatedRoom(stub: RoomStub, bearer: Bearer, room: string, whence: Pick<Hello, 'address'>): RoomStub {
  const identity = () => {
    const pass = bearer.pass(room)
    return { ...(bearer.user !== undefined && { user: bearer.user }), ...(pass !== undefined && { pass }) }
  }
  const decided = (hello: Hello): Hello => {
    if (bearer.isSession && hello.kind === 'poll') return { ...hello, ...whence, onResume: true }
    bearer.demand(room, 'subscribe')
    return { ...hello, ...whence, ...identity() }
  }
  return {
    ...stub,
    command: async (command) => {
      bearer.demand(room, NEEDS[command.type])
      return stub.command({ ...command, ...identity() })
    },
    dial: async (hello, leg) => endingWith(decided(hello), leg, (own) => stub.dial(decided(hello), own)),
    upgrade: async (request, hello, protocol) => stub.upgrade(request, decided(hello), protocol),
  }
}

/** A poll's token ends here: an alarm of the room's would wake it for a line that is held for less than a minute. */
async function endingWith({ kind, pass }: Hello, leg: Leg, dial: (leg: Leg) => Promise<Wire>): Promise<Wire> {
  const left = pass === undefined ? Number.POSITIVE_INFINITY : pass.expiresAt - Date.now()
  const wire = await dial(leg)
  if (kind !== 'poll' || left > LIMITS.waitMost * 1000) return wire
  const timer = setTimeout(() => {
    wire.close()
    leg.closed(CLOSE.token_expired, 'token_expired')
  }, left)
  return {
    ...wire,
    close() {
      clearTimeout(timer)
      wire.close()
    },
  }
}
