import { DurableObject } from 'cloudflare:workers'
import { ObjectLog } from '../../src/cloudflare/object-log.ts'
import { WEBHOOK_EVENTS } from '../../src/protocol/webhook.ts'
import { answer, type Call } from './remote.ts'

/** An ObjectLog in a real object, on real storage, to be called with JSON. */
export class RoomObject extends DurableObject {
  #log = new ObjectLog(this.ctx.storage, undefined, { room: 'room', events: WEBHOOK_EVENTS })

  override async fetch(request: Request): Promise<Response> {
    const call = (await request.json()) as Call | { readonly method: 'sql'; readonly sql: string }
    try {
      if (call.method === 'sql') return Response.json(this.ctx.storage.sql.exec(call.sql).toArray())
      if (call.method === 'reopen')
        this.#log = new ObjectLog(this.ctx.storage, call.kept, { room: 'room', events: WEBHOOK_EVENTS })
      return Response.json(call.method === 'reopen' ? null : await answer(this.#log, call))
    } catch (error) {
      return new Response(`${error}`, { status: 500 })
    }
  }
}

export default {
  fetch(request: Request, env: { ROOMS: DurableObjectNamespace }): Promise<Response> {
    return env.ROOMS.getByName(new URL(request.url).pathname).fetch(request)
  },
}
