import { within } from '../protocol/capabilities.ts'
import { CLOSE } from '../protocol/codes.ts'
import { comparePositions } from '../protocol/cursor.ts'
import { arrive } from './arrival.ts'
import { type Dismissal, type Doorkeeper, UNKNOWN } from './doorkeeper.ts'
import { headPosition } from './extent.ts'
import type { Fanout } from './fanout.ts'
import type { Participants } from './participants.ts'
import { type Attachment, type Connection, type Heard, type Hello, IN_STEP, type RoomHost } from './ports.ts'
import type { Rates } from './rates.ts'
import { sessionOf } from './sessions.ts'
import type { Tally } from './tally.ts'
import type { WakeUp } from './wake-up.ts'

export interface EntranceParts {
  readonly name: string
  readonly host: RoomHost
  readonly doorkeeper: Doorkeeper
  readonly participants: Participants
  readonly fanout: Fanout
  readonly rates: Rates
  readonly wakeUp: WakeUp
  readonly tally: Tally
}

/** How connections come into the room: new ones, and those that are met again after a sleep. */
export class Entrance {
  readonly #parts: EntranceParts

  constructor(parts: EntranceParts) {
    this.#parts = parts
  }

  /** Takes in those that are there, where they stood, or, with `heard`, where the room before has left them. */
  returned(connections: Iterable<Connection>, heard?: Heard): void {
    const { fanout, participants, doorkeeper, wakeUp } = this.#parts
    // Oldest first, as they came (SES-3); workerd lists them the other way round (2026-11).
    const open = [...connections].filter(({ isOpen }) => isOpen)
    const inOrder = open.sort((a, b) => a.attachment.since - b.attachment.since)
    for (const connection of inOrder) {
      if (heard !== undefined && !this.#goOn(connection, heard)) continue
      fanout.join(connection)
      participants.enter(connection, sessionOf(connection))
      doorkeeper.enter(connection)
    }
    participants.schedule()
    if (doorkeeper.nextEnd !== null) wakeUp.schedule()
  }

  /** Lets one in that the gateway has let in; false: it is refused, and closed. */
  arrived(connection: Connection, asked: Hello): boolean {
    const { name, host, doorkeeper, participants, fanout, rates, wakeUp, tally } = this.#parts
    const now = host.now()
    const hello = doorkeeper.resumed(asked, now)
    const no = hello === null ? UNKNOWN : doorkeeper.refusal(hello, now)
    if (hello === null || no !== undefined) return this.#turnAway(connection, no ?? UNKNOWN)
    const { session: id, user, kind, codec, presence, state, granted, isBackend, address } = hello
    if (user !== undefined && !participants.has(id) && rates.isCrowd(user, now))
      return this.#turnAway(connection, CROWD)
    const pass = within(hello.pass, granted)
    const { at, greeting, gap } = arrive(name, fanout.head, hello)
    // A poll comes back each time: that it has missed nothing is no news.
    if (gap !== undefined || (hello.cursor !== undefined && kind !== 'poll')) {
      tally.recoveries[gap?.reason ?? 'recovered']++
    }
    if (gap !== undefined && codec === 'plain') return this.#turnAway(connection, { code: CLOSE.gap, reason: 'gap' })
    // Set one by one, and not spread: each poll comes through here.
    const attachment: { -readonly [name in keyof Attachment]: Attachment[name] } = {
      kind,
      codec,
      session: id,
      since: now,
    }
    if (user !== undefined) attachment.user = user
    if (at !== undefined) attachment.at = at
    if (presence !== undefined) attachment.presence = presence
    if (pass !== undefined) attachment.pass = pass
    if (granted !== undefined) attachment.granted = granted
    if (isBackend) attachment.isBackend = isBackend
    if (address !== undefined) attachment.address = address
    if (codec === 'plain' && hello.rewind !== undefined) attachment.rewound = true
    connection.attach(attachment)
    const entered = participants.enter(connection, sessionOf(connection), state)
    if (!entered) {
      return this.#turnAway(connection, { code: CLOSE.forbidden, reason: 'this session belongs to another user' })
    }
    const change = doorkeeper.enter(connection, hello.pass)
    if (change !== undefined) host.commit({ drafts: [], change })
    if (pass !== undefined) wakeUp.schedule()
    fanout.join(connection, greeting)
    if (entered.replaces !== undefined) fanout.close(entered.replaces, CLOSE.replaced, 'replaced')
    return true
  }

  /** From what it has heard; false: a plain one cannot, whose stream is not replayed unseen (FAN-3). */
  #goOn(connection: Connection, { position, rev }: Heard): boolean {
    const { attachment } = connection
    const { at, presence, codec } = attachment
    // A poll that waits to be told who is here begins where it is told so (POLL-2).
    const isYetToStart = codec === 'poll' && presence !== undefined && presence !== IN_STEP
    const hasMissed = comparePositions(position, headPosition(this.#parts.fanout.head)) < 0
    const isBehind = at === undefined && hasMissed && !isYetToStart
    if (isBehind && codec === 'plain') return this.#turnAway(connection, { code: CLOSE.storage, reason: 'storage' })
    const isInStep = presence === IN_STEP
    // A poll may have to wait once more until it can be told who is here; what comes meanwhile is still to be read to it.
    const mayWait = at === undefined && codec === 'poll' && isInStep
    if (isBehind || isInStep) {
      connection.attach({
        ...attachment,
        ...((isBehind || mayWait) && { at: position }),
        ...(isInStep && { presence: rev }),
      })
    }
    return true
  }

  #turnAway(connection: Connection, { code, reason }: Dismissal): false {
    this.#parts.tally.closed(code)
    connection.close(code, reason)
    return false
  }
}

const CROWD: Dismissal = { code: CLOSE.rate, reason: 'rate' }
