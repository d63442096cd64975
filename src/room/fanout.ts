import { may } from '../protocol/capabilities.ts'
import type { CodecName, Pack } from '../protocol/codec/index.ts'
import { CLOSE, mayComeBack } from '../protocol/codes.ts'
import { comparePositions, formatCursor, type Position } from '../protocol/cursor.ts'
import { type Entry, mayRead } from '../protocol/entry.ts'
import { closingEvent, cursorEvent, type Item } from '../protocol/events.ts'
import { frameLimit, LIMITS } from '../protocol/limits.ts'
import { headPosition } from './extent.ts'
import type { RoomFigures } from './figures.ts'
import { groupOf, type Left, liveOf, type Member, Members, newGroups } from './members.ts'
import { memoize, namesIn, PagePacks, packOf, packs } from './packs.ts'
import { readPage } from './pages.ts'
import { type Birth, type Connection, type Head, IN_STEP, type Page, type RoomHost } from './ports.ts'
import type { Presence } from './presence.ts'
import { Progress } from './progress.ts'
import { Stuck } from './stuck.ts'
import type { Tally } from './tally.ts'

/** What decides is the Room; this sends. Each event is encoded once per codec, and each pack once per codec (FAN-1). */
export class Fanout {
  readonly #host: RoomHost
  readonly #presence: Presence
  readonly #members = new Members()
  readonly #groups = newGroups()
  /** Those who are to hear who is here as soon as it has been told that they are (PRES-1). */
  readonly #awaiting = new Set<Member>()
  readonly #stuck: Stuck
  /** What may be owed to a connection beside the feed, which may overshoot by one event of the largest size. */
  readonly #answerBound: number
  readonly #left: Left
  readonly #progress = new Progress()
  readonly #pagePacks = new PagePacks()
  readonly #tally: Tally
  readonly #figures: RoomFigures
  /** The last commit failed: that somebody has come may not be told for long. */
  isFailing = false
  #head: Head

  constructor(host: RoomHost, birth: Birth, presence: Presence, figures: RoomFigures, left: Left) {
    this.#tally = birth.tally
    this.#figures = figures
    this.#host = host
    this.#stuck = new Stuck(host, birth.tally)
    this.#presence = presence
    this.#left = left
    this.#head = birth.head
    this.#answerBound = -(LIMITS.ahead + frameLimit(birth.limits.payload))
  }

  /** As far as it has been sent. */
  get head(): Head {
    return this.#head
  }

  connections(): Connection[] {
    return this.#members.connections()
  }

  has(connection: Connection): boolean {
    return this.#members.of(connection) !== undefined
  }

  /** Takes in a connection as its attachment describes it: new, with a greeting, or met again after a sleep. */
  join(connection: Connection, greeting: readonly Item[] = []): void {
    const { at, codec } = connection.attachment
    const member = this.#members.add(connection, groupOf(this.#groups, connection))
    if (at === undefined) this.#becomeLive(member, greeting)
    // An answered poll is over: the client asks again with the cursor that it was given.
    else if (!this.#send(member, greeting, at) || codec !== 'poll') this.#advance(member)
  }

  /** It is gone. */
  leave(connection: Connection): void {
    const member = this.#members.of(connection)
    if (member === undefined) return
    this.#members.delete(member)
    member.group.live.delete(member.live)
    this.#awaiting.delete(member)
    this.#stuck.delete(member)
    this.#left(connection)
  }

  /** Sends what was committed to all who are live. */
  deliver(entries: readonly Entry[], head: Head): void {
    let at = headPosition(this.#head)
    this.#head = head
    if (entries.length > 0) this.isFailing = false
    for (const chunk of packs(entries)) at = this.#flush(chunk, at)
    for (const member of this.#awaiting) {
      if (!this.#presence.hasTold(member.session)) continue
      this.#awaiting.delete(member)
      // One that is behind is told when it is live.
      if (member.group.live.delete(member.live) || member.group.codec === 'poll') this.#advance(member)
    }
  }

  /** A page that was read for a connection that is not live. */
  page(connection: Connection, page: Page): void {
    const member = this.#members.of(connection)
    const { at } = connection.attachment
    // One that was asked for twice, by a room that was born again meanwhile, is taken once.
    if (member === undefined || at === undefined || comparePositions(page.after, at) !== 0) return
    const since = may(connection.attachment.pass, 'history') ? 0 : this.#host.now() - LIMITS.recent
    const { items, through, gap } = readPage(member, page, at, since)
    const { rewound, ...attachment } = connection.attachment
    if (gap !== undefined && member.group.codec === 'plain' && rewound === undefined) {
      this.close(connection, CLOSE.gap, 'gap')
      return
    }
    // Nothing follows a poll's answer, and in a busy room each has messages: what it missed must stand beside them.
    const isLast = member.group.codec === 'poll' && comparePositions(through, headPosition(this.#head)) >= 0
    const missed = isLast && !this.#awaiting.has(member) ? this.#missed(connection) : []
    this.#tally.replayed(items.length, gap)
    const pack = this.#pagePacks.of(member.group.codec, items, missed, through, this.#head)
    connection.attach({ ...attachment, at: through, ...(rewound && pack === null && { rewound }) })
    if (pack !== null) this.write(connection, pack)
    if (pack === null || member.group.codec !== 'poll') this.#advance(member)
  }

  /** The connection can take more. */
  drained(connection: Connection): void {
    const member = this.#members.of(connection)
    if (member !== undefined && this.#stuck.has(member)) this.#advance(member)
  }

  /** How many are behind because they do not read. */
  get stuck(): number {
    return this.#stuck.size
  }

  /** FAN-4: who has not read for long is closed; the others go on as far as they can take it. */
  lookAfter(now: number): void {
    for (const member of this.#stuck.members) {
      const { connection } = member
      if (connection.credit() > 0) this.#advance(member)
      else if (this.#stuck.isLost(member, now)) this.close(connection, CLOSE.slow, 'slow')
    }
  }

  /** Says something to one connection, outside of the feed. */
  tell(connection: Connection, items: readonly Item[]): void {
    const member = this.#members.of(connection)
    if (member !== undefined) this.#send(member, items, headPosition(this.#head))
  }

  /**
   * Writes what is for one connection alone. Answers are not held back with the feed, so who goes on asking and never
   * reads would have them pile up for ever: it is closed.
   */
  write(connection: Connection, pack: Pack): void {
    if (connection.credit() >= this.#answerBound) this.#put(connection, pack)
    else this.#end(connection, CLOSE.slow, 'slow')
  }

  /** Ends a connection, saying why where it can be said. */
  close(connection: Connection, code: number, reason: string, retryAfter?: number): void {
    const member = this.#members.of(connection)
    const codec = member?.group.codec
    const advice = mayComeBack(code) ? (retryAfter ?? this.#host.retryAfter(0)) : undefined
    if (member !== undefined && (codec === 'framed' || codec === 'lines' || codec === 'sse')) {
      this.#send(member, [closingEvent(code, reason, advice)], headPosition(this.#head))
    }
    this.#end(connection, code, reason, advice)
  }

  /** One that cannot be written to is gone, and is no reason why the others should not hear. */
  #put(connection: Connection, pack: Pack): void {
    try {
      connection.write(pack)
    } catch (error) {
      this.#host.report(error)
      this.#end(connection, CLOSE.more, 'more')
    }
  }

  /** It is gone at once: who does not read, or has vanished, never answers a close, and on the edge nobody gives up. */
  #end(connection: Connection, code: number, reason: string, retryAfter?: number): void {
    this.#tally.closed(code)
    connection.close(code, reason, retryAfter)
    this.leave(connection)
  }

  /** Reads on if the connection can take it, or turns live at the head: a pack boundary, so nothing lies between. */
  #advance(member: Member): void {
    const { connection } = member
    // Writing to it may have been its end.
    if (!this.has(connection)) return
    const { at } = connection.attachment
    const through = headPosition(this.#head)
    const isBehind = at !== undefined && comparePositions(at, through) < 0
    // While nothing can be written, what there is to read is read all the same (OPS-3).
    if (this.#waits(member) && !(isBehind && this.isFailing)) return
    const isStuck = isBehind && connection.credit() <= 0
    if (isStuck) this.#stuck.add(member)
    else this.#stuck.delete(member)
    if (!isBehind) this.#becomeLive(member, [])
    else if (!isStuck) this.#host.read(connection, { after: at, through, maxBytes: LIMITS.page })
  }

  #becomeLive(member: Member, greeting: readonly Item[]): void {
    const { connection } = member
    if (this.#waits(member)) return
    const { at, presence } = connection.attachment
    const isAwaiting = this.#awaiting.has(member)
    const items = isAwaiting ? greeting : [...greeting, ...this.#missed(connection)]
    const known = presence === undefined || isAwaiting ? presence : IN_STEP
    if (at !== undefined || presence !== known) connection.attach(liveOf(connection.attachment, known))
    const isAnswered = this.#send(member, items, headPosition(this.#head)) && member.group.codec === 'poll'
    if (isAnswered || !this.has(connection)) return
    member.group = groupOf(this.#groups, connection)
    member.group.live.add(member.live)
  }

  /**
   * Who has just come is to find itself among those who are here, so it is told when its coming has been committed.
   * A poll is answered then, since it has one answer.
   */
  #waits(member: Member): boolean {
    const { connection, session, group } = member
    const mustWait = this.#presence.isNews(connection.attachment.presence) && !this.#presence.hasTold(session)
    if (mustWait) this.#awaiting.add(member)
    return mustWait && group.codec === 'poll'
  }

  /** What it has to hear of presence before it hears of changes. */
  #missed({ attachment }: Connection): readonly Item[] {
    return this.#presence.isNews(attachment.presence) ? [this.#presence.sync()] : []
  }

  #flush(chunk: readonly Entry[], before: Position): Position {
    const through = chunk.findLast((entry) => entry.position !== null)?.position ?? before
    const named = namesIn(chunk)
    const tail = this.#progress.after(chunk, through)
    const messages = chunk.filter(({ type, audience }) => type === 'message' && audience?.to === undefined).length
    for (const group of Object.values(this.#groups).flat()) {
      if (group.live.size === 0) continue
      this.#figures.delivered(messages, group.live.size)
      const heard = group.hearsPresence ? chunk : chunk.filter(({ type }) => type === 'message')
      const open = heard.filter(({ audience }) => audience?.to === undefined)
      const pack = this.#pack(group.codec, [...open, ...tail], through)
      const ownPack = memoize((member: Member) => {
        const visible = heard.filter((entry) => mayRead(member, entry.audience))
        return visible.length === 0 ? null : this.#pack(group.codec, [...visible, ...tail], through)
      })
      for (const member of group.live.all) {
        // What was written to one may have been the end of another.
        if (!member.live.isIn) continue
        const due = named?.has(member) ? this.#ownOrUnseen(member, ownPack, heard, through) : pack
        if (due === null) continue
        if (member.connection.credit() <= 0) this.#fallBehind(member, before)
        else {
          if (group.codec === 'poll') group.live.delete(member.live)
          this.#tally.deliveries += due.events
          this.#put(member.connection, due)
        }
      }
    }
    return through
  }

  /** FOLLOW-8 for who is excepted from what everybody else sees. */
  #ownOrUnseen(
    member: Member,
    ownPack: (of: Member) => Pack | null,
    chunk: readonly Entry[],
    through: Position,
  ): Pack | null {
    const own = ownPack(member)
    member.unseen = own === null ? member.unseen + chunk.length : 0
    if (member.unseen < LIMITS.invisible) return own
    member.unseen = 0
    return this.#pack(member.group.codec, [cursorEvent(formatCursor(through))], through)
  }

  /** FAN-2: no more is queued for it; it is replayed from the log when it reads again. */
  #fallBehind(member: Member, at: Position): void {
    member.group.live.delete(member.live)
    if (member.group.codec === 'plain') this.close(member.connection, CLOSE.slow, 'slow')
    else {
      const { attachment } = member.connection
      // The room's rev has moved already with changes that it now misses, so it is told anew when it is live again.
      const known = attachment.presence === undefined ? {} : { presence: '' }
      member.connection.attach({ ...attachment, at, ...known })
      this.#stuck.add(member)
    }
  }

  #pack(codec: CodecName, items: readonly Item[], through: Position): Pack | null {
    return packOf(codec, items, through, headPosition(this.#head))
  }

  #send(member: Member, items: readonly Item[], through: Position): boolean {
    const pack = this.#pack(member.group.codec, items, through)
    if (pack !== null) this.write(member.connection, pack)
    return pack !== null
  }
}
