import type { Bearer } from '../auth/gate.ts'
import type { Welcome } from '../protocol/ask.ts'
import { CLOSE, closeReason } from '../protocol/codes.ts'
import { Refusal } from '../protocol/errors.ts'
import { readTraceparent } from '../protocol/trace.ts'
import type { Hello } from '../room/ports.ts'
import type { RoomStub, Runtime } from './ports.ts'

/** What a backend is told of a request that asks to be let in: what it needs to know who it is. */
const TOLD = ['cookie', 'authorization', 'origin', 'user-agent'] as const

/** The runtime as those who connect may use it: of rooms for which the backend wants to be asked, it is asked first (ASK-1). */
export function asking(runtime: Runtime, request: Request): Runtime {
  const { connect } = runtime
  return connect === undefined ? runtime : { ...runtime, room: (name) => askedRoom(name, runtime, request) }
}

/** For a stream, whose final refusal must be a status (SSE-5); any other is a stream that ends. @throws Refusal */
export async function mayEnter(
  runtime: Runtime,
  request: Request,
  room: string,
  session: string,
  bearer: Bearer,
): Promise<void> {
  if (bearer.isBackend) return
  const { user } = bearer
  const welcome = await ask(runtime, request, room, { kind: 'sse', session, ...(user !== undefined && { user }) })
  if (welcome === undefined) return
  if (welcome.refused !== undefined) {
    if (welcome.code === 'forbidden') throw new Refusal('forbidden', welcome.refused)
    return
  }
  if (isAnother(welcome, user)) throw new Refusal('forbidden', ANOTHER)
  if (welcome.granted?.grants.includes('subscribe') === false) {
    throw new Refusal('forbidden', 'The backend does not grant `subscribe` in this room')
  }
}

/** How who is not let in is told so. */
const CLOSES = { forbidden: CLOSE.forbidden, backend: CLOSE.storage, busy: CLOSE.rate } as const

const ANOTHER = 'The backend names another user than the token'

const isAnother = (welcome: Welcome, user: string | undefined): boolean =>
  welcome.refused === undefined && welcome.user !== undefined && user !== undefined && welcome.user !== user

interface Refused {
  readonly code: number
  readonly reason: string
}

function askedRoom(name: string, runtime: Runtime, request: Request): RoomStub {
  const stub = runtime.room(name)
  const welcomed = async (hello: Hello): Promise<Hello | Refused> => {
    // A backend does not ask itself.
    if (hello.isBackend) return hello
    const welcome = (await ask(runtime, request, name, hello)) ?? {}
    if (welcome.refused === undefined) return admitted(hello, welcome)
    return { code: CLOSES[welcome.code], reason: closeReason(welcome.refused) }
  }
  return {
    ...stub,
    async upgrade(upgraded, hello, protocol) {
      const told = await welcomed(hello)
      return 'code' in told ? runtime.refuse(upgraded, { protocol, ...told }) : stub.upgrade(upgraded, told, protocol)
    },
    async dial(hello, leg) {
      const told = await welcomed(hello)
      if (!('code' in told)) return stub.dial(told, leg)
      leg.closed(told.code, told.reason)
      return { drained() {}, close() {}, send: () => false }
    },
  }
}

/** What a backend says never goes beyond a token: who that is for, and what it allows (ASK-3). */
function admitted(hello: Hello, welcome: Exclude<Welcome, { refused: string }>): Hello | Refused {
  if (isAnother(welcome, hello.user)) return { code: CLOSE.forbidden, reason: ANOTHER }
  const { user, state, granted } = welcome
  return {
    ...hello,
    ...(user !== undefined && { user }),
    ...(state !== undefined && { state }),
    ...(granted !== undefined && { granted }),
  }
}

type Who = Pick<Hello, 'kind' | 'session' | 'user'>

async function ask(runtime: Runtime, request: Request, room: string, who: Who): Promise<Welcome | undefined> {
  const traceparent = readTraceparent(request.headers.get('traceparent'))
  return runtime.connect?.(question(request, room, who), who.session, traceparent)
}

function question(request: Request, room: string, { kind, user }: Who) {
  const token = new URL(request.url).searchParams.get('token')
  const found = TOLD.map((name) => [name, request.headers.get(name)] as const).filter(([, value]) => value !== null)
  return {
    room,
    kind,
    ...(user !== undefined && { user }),
    ...(token !== null && { token }),
    headers: Object.fromEntries(found) as Record<string, string>,
  }
}
