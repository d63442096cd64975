import { randomSecret } from '../../auth/secrets.ts'
import { isCursor } from '../../protocol/cursor.ts'
import { reporter } from '../../protocol/journal.ts'
import { givenId, tellAnswered } from '../observed.ts'
import type { LetIn } from '../ports.ts'
import { toProblem } from '../respond.ts'
import { HeldPoll } from './poll.ts'

/**
 * A poll that has been let in, asked again from another cursor; `answered` is called once, be it at once, with the JSON of a
 * 200 or another response, and with the name of the request. Returned: how its client leaves. Null: what it came with must
 * be looked at again, so its request is to be handed on like any other.
 */
export type Repoll = (
  cursor: string,
  answered: (answer: string | Response, request: string) => void,
) => (() => void) | null

/** The same poll again, from where its client stands by then. Whether its bearer was revoked meanwhile, the room asks. */
export function repollOf({ poll, request, path, route, bearer, runtime, host }: LetIn): Repoll {
  const given = givenId(request.headers)
  const room = runtime.room(poll.room)
  return (cursor, answered) => {
    const started = Date.now()
    if (!isCursor(cursor) || bearer.until <= started) return null
    const id = given ?? randomSecret()
    const held = new HeldPoll({ ...poll, hello: { ...poll.hello, cursor } }, room, runtime.pollWait, (answer) => {
      const isKnown = typeof answer === 'string' || answer instanceof Response
      const said = isKnown ? answer : toProblem(answer.failed, reporter(host.tell, { request: id }))
      const status = typeof said === 'string' ? 200 : said.status
      tellAnswered(host, { request: id, method: 'GET', path, route, status, started })
      answered(said, id)
    })
    return () => held.leave()
  }
}
