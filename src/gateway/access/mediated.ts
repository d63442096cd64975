import type { Bearer } from '../../auth/gate.ts'
import type { Capability } from '../../protocol/capabilities.ts'
import type { Command, Hello } from '../../room/ports.ts'
import type { RoomStub, Runtime } from '../ports.ts'
import { networkOf } from './network.ts'

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
  const whence = address === undefined ? {} : { address: networkOf(address) }
  return { ...runtime, room: (name) => mediatedRoom(runtime.room(name), bearer, name, whence) }
}

function mediatedRoom(stub: RoomStub, bearer: Bearer, room: string, whence: Pick<Hello, 'address'>): RoomStub {
  // What a bearer may do does not change, and who polls asks again and again.
  let known: Pick<Hello, 'user' | 'pass' | 'isBackend'> | undefined
  const identity = () => {
    if (known !== undefined) return known
    const pass = bearer.pass(room)
    known = {
      ...(bearer.user !== undefined && { user: bearer.user }),
      ...(pass !== undefined && { pass }),
      ...(bearer.isBackend && { isBackend: true as const }),
    }
    return known
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
    dial: (hello, leg) => stub.dial(decided(hello), leg),
    upgrade: async (request, hello, protocol) => stub.upgrade(request, decided(hello), protocol),
  }
}
