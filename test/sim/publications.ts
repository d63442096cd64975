import { LIMITS } from '../../src/protocol/limits.ts'
import { parsePublication } from '../../src/protocol/operations.ts'
import type { Reply } from '../../src/room/ports.ts'
import type { Random } from '../random.ts'
import type { Heard } from './decode.ts'
import type { Host } from './host.ts'
import type { Person, Reader } from './reader.ts'
import type { Wire } from './wire.ts'

interface Fields {
  readonly to?: { readonly sessions?: readonly string[]; readonly users?: readonly string[] }
  readonly except?: readonly string[]
  readonly echo?: boolean
  readonly ephemeral?: boolean
}

/** A message that somebody wants published, and what was heard of it. */
export interface Publication {
  /** Unlike any other's. */
  readonly data: string
  readonly id?: string
  readonly author: Reader
  readonly fields: Fields
  readonly isEphemeral: boolean
  /** Its batch, whose messages are one atomic write. */
  readonly batch?: number
  /** Cursors of its acks. */
  readonly acks: (string | undefined)[]
  readonly refusals: string[]
  /** Over what it was sent, each time: a wire, or requests of one session. */
  readonly lines: unknown[]
  /** An attempt came to an unknown end. */
  isInDoubt: boolean
}

/** All that is published in a run. What has an id is sent until it is acknowledged; what has none is sent once. */
export class Publications {
  readonly all: Publication[] = []
  #retry: Publication[] = []
  readonly #pending = new Map<Wire, Map<string, Publication>>()
  readonly #random: Random
  #batches = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Somebody's next message, or one that is to be sent again. */
  next(readers: readonly Reader[]): Publication {
    const again = this.#retry.shift()
    return again ?? this.#make(this.#random.pick(readers), readers)
  }

  /** Some of what is still to be sent again. */
  takeRetries(count: number): Publication[] {
    return this.#retry.splice(0, count)
  }

  publish(host: Host, publication: Publication): void {
    const { author, data } = publication
    const { wire } = author
    if (author.person.isPlain) {
      if (wire?.isUp) this.#expect(wire, publication).send(data)
      else publication.isInDoubt = true
    } else if (wire?.isUp && author.codec === 'framed' && this.#random.chance(0.7)) {
      this.#expect(wire, publication).send(JSON.stringify({ op: 'publish', ref: data, ...body(publication) }))
    } else this.#request(host, [publication])
  }

  publishBatch(host: Host, readers: readonly Reader[]): void {
    const author = this.#random.pick(readers.filter(({ person }) => !person.isPlain))
    if (author === undefined) return
    const batch = ++this.#batches
    const count = this.#random.whole(2, 4)
    this.#request(
      host,
      Array.from({ length: count }, () => this.#make(author, readers, batch)),
    )
  }

  answered(wire: Wire, event: Heard): void {
    const pending = this.#pending.get(wire)
    const publication = pending?.get(event.ref as string)
    if (publication === undefined) return
    pending?.delete(publication.data)
    if (event.type === 'ack') publication.acks.push(event.cursor)
    else if (isDecided(event.code, event.message)) this.#refused(publication, event.code as string)
    else {
      publication.isInDoubt = true
      this.#again(publication)
    }
  }

  lost(wire: Wire): void {
    for (const publication of this.#pending.get(wire)?.values() ?? []) {
      publication.isInDoubt = true
      this.#again(publication)
    }
    this.#pending.delete(wire)
  }

  #make(author: Reader, everyone: readonly Reader[], batch?: number): Publication {
    const random = this.#random
    const data = `p${this.all.length}`
    const other = random.pick(everyone).person
    const audience: Fields = random.pick<Fields>([
      {},
      {},
      {},
      { echo: false },
      { except: [other.session] },
      { to: { sessions: [other.session] } },
      other.user === undefined ? {} : { to: { users: [other.user] } },
    ])
    const { isPlain } = author.person
    const isEphemeral = !isPlain && batch === undefined && random.chance(0.15)
    const hasId = !isPlain && !isEphemeral && batch === undefined && random.chance(0.6)
    const publication = {
      data,
      author,
      fields: isPlain ? { echo: false } : { ...audience, ...(isEphemeral && { ephemeral: true }) },
      isEphemeral,
      acks: [],
      lines: [],
      refusals: [],
      isInDoubt: false,
      ...(hasId && { id: `id-${data}` }),
      ...(batch !== undefined && { batch }),
    }
    this.all.push(publication)
    return publication
  }

  #request(host: Host, publications: readonly Publication[]): void {
    const { session, user } = (publications[0] as Publication).author.person
    for (const { lines } of publications) lines.push(session)
    const by = { session, ...(user !== undefined && { user }) }
    const take = (publication: Publication, reply: Reply): void => {
      if (reply.type === 'published') publication.acks.push(reply.cursor)
      else if (reply.type === 'error' && isDecided(reply.code, reply.message)) this.#refused(publication, reply.code)
      else {
        publication.isInDoubt = true
        this.#again(publication)
      }
    }
    const parsed = publications.map((each) => parsePublication(JSON.stringify(body(each)), LIMITS.payload))
    const [first] = publications as [Publication]
    if (first.batch === undefined) {
      const [publication] = parsed as [(typeof parsed)[0]]
      // Now and then a proxy on the way sends it twice.
      const copies = first.id !== undefined && this.#random.chance(0.2) ? 2 : 1
      for (let n = 0; n < copies; n++) {
        host.command({ type: 'publish', publication, ...by }, (reply) => take(first, reply))
      }
      return
    }
    host.command({ type: 'batch', publications: parsed, ...by }, (reply) => {
      for (const [i, each] of publications.entries()) {
        take(each, reply.type === 'batch' ? (reply.replies[i] as Reply) : reply)
      }
    })
  }

  #expect(wire: Wire, publication: Publication): Wire {
    publication.lines.push(wire)
    const pending = this.#pending.get(wire) ?? new Map()
    this.#pending.set(wire, pending.set(publication.data, publication))
    return wire
  }

  #refused(publication: Publication, code: string): void {
    publication.refusals.push(code)
    // The backend's own refusal is final.
    if (code !== 'forbidden') this.#again(publication)
  }

  #again(publication: Publication): void {
    if (publication.id !== undefined && publication.acks.length === 0) this.#retry.push(publication)
  }
}

/** Is it known that nothing came of it? */
const isDecided = (code: unknown, message: unknown): boolean =>
  code !== 'internal' && !`${message}`.startsWith('It is not known')

const body = ({ id, data, fields }: Publication): object => ({ ...(id !== undefined && { id }), data, ...fields })

/** What the backend refuses, where it is asked. */
export const isRefused = (data: string): boolean => Number(data.slice(1)) % 7 === 0

/**
 * Does whoever sent it know what became of it? What has an id is sent until it is known. A plain connection goes on
 * only if all that it sent was published, or refused by the backend for good (ASK-5).
 */
export function isAccountedFor(
  { data, id, acks, refusals, isInDoubt, author }: Publication,
  isStored: boolean,
  asks: boolean,
): boolean {
  if (acks.length > 0 || refusals.includes('forbidden')) return true
  const isTaken = author.person.isPlain && (isStored || (asks && isRefused(data)))
  return id === undefined && (isInDoubt || refusals.length > 0 || isTaken)
}

/** Whom its publisher meant (PUB-8). */
export function isMeantFor(sent: Publication | undefined, { session, user }: Person): boolean {
  if (sent === undefined) return false
  const { to, except = [], echo = true } = sent.fields
  if (except.includes(session) || (!echo && sent.author.person.session === session)) return false
  return !to || Boolean(to.sessions?.includes(session) || (user !== undefined && to.users?.includes(user)))
}
