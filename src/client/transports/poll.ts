import type { Environment } from '../environment.ts'
import { callJson, endOf } from '../http.ts'
import { named } from './websocket.ts'
import type { Ask, Dial, End, ServerEvent, Sink } from './wire.ts'

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

export const poll =
  (environment: Environment): Dial =>
  (ask: Ask, sink: Sink) => {
    const controller = new AbortController()
    const { signal } = controller
    let cancelTimer = (): void => {}

    const close = (): void => {
      cancelTimer()
      controller.abort()
    }
    const end = (why: End): void => {
      if (signal.aborted) return
      close()
      sink.ended(why)
    }
    const pause = (seconds: number): Promise<void> =>
      new Promise((resume) => {
        cancelTimer = environment.after(seconds * 1000, resume)
      })
    const read = async (wait: number): Promise<Page> => {
      const token = await ask.token()
      if (wait === 0) sink.began()
      cancelTimer = environment.after(wait * 1000 + environment.timing.answer, () =>
        end({ reason: 'a poll was not answered', silent: true }),
      )
      const page = await callJson<Page>(ask.url('poll', { wait: `${wait}` }), { token, signal })
      cancelTimer()
      return page
    }
    const follow = async (): Promise<End> => {
      // The first is answered at once, so that it is known at once whether it works.
      for (let wait = 0; !signal.aborted; ) {
        const page = await read(wait)
        if (signal.aborted) break
        sink.heard(eventsOf(page, ask.rooms, wait === 0))
        wait = page.advice.wait
        if (page.advice.after > 0) await pause(page.advice.after)
      }
      return { reason: '' }
    }
    follow().then(end, (error) => end(endOf(error)))
    return { close }
  }

/** As another transport would have told it: a welcome first, and at the end how far that was. */
function eventsOf(page: Page, rooms: readonly string[], isFirst: boolean): ServerEvent[] {
  const places = page.rooms ?? [{ ...page, room: rooms[0] as string }]
  const welcomes = places.map(({ room, session, head }): ServerEvent => {
    return { type: 'welcome', room, session, ...(head !== undefined && { head }) }
  })
  const ends = places.flatMap(({ room, cursor, head }): ServerEvent[] => [
    ...(cursor === undefined ? [] : [{ type: 'cursor', room, cursor } as const]),
    ...(head === undefined ? [] : [{ type: 'head', room, head } as const]),
  ])
  return [...(isFirst ? welcomes : []), ...named(rooms, page.events), ...ends]
}
