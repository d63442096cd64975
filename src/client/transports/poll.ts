import type { Environment } from '../environment.ts'
import { callJson } from '../http.ts'
import { Held } from './held.ts'
import { type Ask, type Dial, named, type ServerEvent, type Sink } from './wire.ts'

interface Place {
  readonly session: string
  readonly cursor?: string
  readonly head?: string
}

/** POLL-1, MULTI-9: of one room, or of several. */
interface Page extends Place {
  readonly events: readonly ServerEvent[]
  readonly rooms?: readonly (Place & { readonly room: string })[]
  /** Seconds. */
  readonly advice: { readonly wait: number; readonly after: number }
}

export const poll: Dial = (environment: Environment, ask: Ask, sink: Sink) =>
  new Held(environment, sink, async (held) => {
    // The first is answered at once, so that it is known at once whether it works.
    for (let wait = 0; ; ) {
      const token = await ask.token()
      if (wait === 0) sink.began()
      held.expect(wait * 1000 + environment.timing.answer)
      const page = await callJson<Page>(ask.url('poll', { wait }), { token, signal: held.signal }, environment.parse)
      if (held.signal.aborted) return { reason: '' }
      sink.heard(eventsOf(page, ask.rooms, wait === 0))
      wait = page.advice.wait
      if (page.advice.after > 0) await held.pause(page.advice.after)
    }
  })

/** As another transport would have told it: a welcome first, and at the end how far that was. */
function eventsOf(page: Page, rooms: readonly string[], isFirst: boolean): ServerEvent[] {
  const places = page.rooms ?? [{ ...page, room: rooms[0] as string }]
  const welcomes = places.map(({ room, session, head }): ServerEvent => {
    return { type: 'welcome', room, session, head }
  })
  const ends = places.flatMap(({ room, cursor, head }): ServerEvent[] => [
    { type: 'head', room, head },
    ...(cursor ? [{ type: 'cursor', room, cursor } as const] : []),
  ])
  return [...(isFirst ? welcomes : []), ...named(rooms, page.events), ...ends]
}
