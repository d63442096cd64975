import { type CodecName, codecs } from '../protocol/codec/index.ts'
import { Chain, Link } from './chain.ts'
import { type Marked, markOf } from './packs.ts'
import { type Attachment, type Connection, IN_STEP } from './ports.ts'

/** A connection as Fanout sees it. Live: it has all up to the head. Else it reads pages until it reaches the head. */
export class Member implements Marked {
  readonly connection: Connection
  readonly session: string
  readonly mark: number
  readonly user?: string
  /** Those that it is one of. */
  readonly among: Chain<Member>
  group: Group
  /** Messages since it last saw one, counted while it is named in an audience. */
  unseen = 0
  /** Its places among all, and among those who are live. */
  readonly here = new Link<Member>(this)
  readonly live = new Link<Member>(this)

  constructor(connection: Connection, among: Chain<Member>, group: Group) {
    const { session, user } = connection.attachment
    this.connection = connection
    this.session = session
    this.mark = markOf(session)
    if (user !== undefined) this.user = user
    this.among = among
    this.group = group
  }
}

/** All that are in the room. Each is found by its connection, without a search. */
export class Members {
  readonly #all = new Chain<Member>()

  add(connection: Connection, group: Group): Member {
    const member = new Member(connection, this.#all, group)
    connection.member = member
    this.#all.add(member.here)
    return member
  }

  delete(member: Member): void {
    this.#all.delete(member.here)
  }

  of({ member }: Connection): Member | undefined {
    return member?.among === this.#all && member.here.isIn ? member : undefined
  }

  connections(): Connection[] {
    return this.#all.all.map(({ connection }) => connection)
  }
}

/** Told of every connection that goes, by itself or sent away. */
export type Left = (connection: Connection) => void

/** Those who are sent the same, but for what audiences name. */
export interface Group {
  readonly codec: CodecName
  readonly hearsPresence: boolean
  readonly live: Chain<Member>
}

/** By codec: those who hear of messages alone, and of presence too. */
export type Groups = { readonly [codec in CodecName]: readonly [messages: Group, presence: Group] }

export const newGroups = (): Groups =>
  Object.fromEntries(
    (Object.keys(codecs) as CodecName[]).map((codec) => {
      return [codec, [false, true].map((hearsPresence) => ({ codec, hearsPresence, live: new Chain<Member>() }))]
    }),
  ) as unknown as Groups

/** A live connection hears of changes once it has been told what they change. */
export function groupOf(groups: Groups, { attachment: { codec, presence, at } }: Connection): Group {
  return groups[codec][presence === IN_STEP && at === undefined ? 1 : 0]
}

/** How a connection is described that is live, and knows that of presence. */
export const liveOf = ({ at: _, presence: __, ...rest }: Attachment, known: string | undefined): Attachment =>
  known === undefined ? rest : { ...rest, presence: known }
