import { bearerOf, type Pass } from '../protocol/capabilities.ts'
import { Chain, Link } from './chain.ts'
import type { Change, Kept, SessionRow } from './ports.ts'

type KeptPass = Extract<Kept, { readonly pass: Pass }>

/** Rows in all, which a room full of pollers would otherwise have for ever; and of one bearer, so that none takes all. */
const MOST = 10_000
const MOST_OF_ONE = 1000
/** How often those that are over are looked for (ms). */
const FORGET = 60_000

interface Bearer {
  readonly name: string
  /** The longest unused first. */
  readonly order: Chain<Remembered>
  count: number
}

/**
 * What sessions may come back with between two tokens (AUTH-7): the passes that they last polled with. Those who are
 * forgotten because there are too many, the longest unused first, must send their tokens again.
 */
export class Passes {
  readonly #kept = new Map<string, Remembered>()
  /** The longest unused first. */
  readonly #order = new Chain<Remembered>()
  readonly #bearers = new Map<string, Bearer>()
  #forgetsAt = 0

  constructor(rows: readonly SessionRow[]) {
    for (const { kept } of rows) if (kept !== undefined && 'pass' in kept) this.#add(kept)
  }

  find(session: string, now: number): KeptPass | undefined {
    const known = this.#kept.get(session)
    if (known === undefined || known.kept.until <= now) return undefined
    this.#use(known)
    return known.kept
  }

  /** A session polls with that pass. What is to be written; undefined: nothing. */
  keep(session: string, user: string | undefined, pass: Pass, now: number): Change | undefined {
    const known = this.#kept.get(session)
    if (known !== undefined && known.kept.user === user && isSame(known.kept.pass, pass)) {
      this.#use(known)
      return undefined
    }
    if (known !== undefined) this.#forget(known)
    const kept = { session, pass, until: pass.expiresAt, ...(user !== undefined && { user }) }
    const { bearer } = this.#add(kept)
    const drop = [...this.#over(now), ...this.#beyond(bearer)].map(passId)
    return { put: [{ id: passId(session), kept }], drop }
  }

  /** It is the last that was. */
  #use({ place, own, bearer }: Remembered): void {
    this.#order.delete(place)
    this.#order.add(place)
    bearer.order.delete(own)
    bearer.order.add(own)
  }

  #add(kept: KeptPass): Remembered {
    const name = bearerOf(kept.user, kept.pass)
    const bearer = this.#bearers.get(name) ?? { name, order: new Chain(), count: 0 }
    const one = new Remembered(kept, bearer)
    this.#kept.set(kept.session, one)
    this.#bearers.set(name, bearer)
    this.#order.add(one.place)
    bearer.order.add(one.own)
    bearer.count++
    return one
  }

  #forget({ kept, place, own, bearer }: Remembered): string {
    this.#kept.delete(kept.session)
    this.#order.delete(place)
    bearer.order.delete(own)
    bearer.count--
    if (bearer.count === 0) this.#bearers.delete(bearer.name)
    return kept.session
  }

  /** The longest unused that is one too many, if one has come. */
  #beyond({ count, order }: Bearer): string[] {
    const over = count > MOST_OF_ONE ? order.first : this.#kept.size > MOST ? this.#order.first : undefined
    return over === undefined ? [] : [this.#forget(over)]
  }

  /** Those that are over: looked for once a minute, or a crowd of pollers would have it cost its square. */
  #over(now: number): string[] {
    if (now < this.#forgetsAt) return []
    this.#forgetsAt = now + FORGET
    return this.#order.all.filter(({ kept }) => kept.until <= now).map((one) => this.#forget(one))
  }
}

class Remembered {
  readonly kept: KeptPass
  readonly bearer: Bearer
  /** Among all, and among those of its bearer. */
  readonly place = new Link<Remembered>(this)
  readonly own = new Link<Remembered>(this)

  constructor(kept: KeptPass, bearer: Bearer) {
    this.kept = kept
    this.bearer = bearer
  }
}

/** The row that it is kept in. */
const passId = (session: string): string => `!pass ${session}`

const isSame = (a: Pass, b: Pass): boolean =>
  a === b ||
  (a.expiresAt === b.expiresAt &&
    a.issuedAt === b.issuedAt &&
    a.tokenId === b.tokenId &&
    (a.grants === b.grants || `${a.grants}` === `${b.grants}`))
