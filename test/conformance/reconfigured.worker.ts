import { createWorker, type Env } from '../../src/cloudflare/create-worker.ts'
import { createRoomObject } from '../../src/cloudflare/room-object.ts'

let isWrong = false

/** A deployment whose objects are born with wrong settings from when it is asked for, and with right ones again. */
export class RoomObject extends createRoomObject() {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, isWrong ? { ...env, HOLDLINE_RETENTION: 'wrong' } : env)
  }
}

const worker = createWorker()

export default {
  fetch(request, env, ctx) {
    const { pathname } = new URL(request.url)
    if (pathname !== '/wrong' && pathname !== '/right') return worker.fetch?.(request, env, ctx) as Promise<Response>
    isWrong = pathname === '/wrong'
    return new Response()
  },
} satisfies ExportedHandler<Env>
