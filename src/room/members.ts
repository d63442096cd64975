import { type CodecName, codecs } from '../protocol/codec/index.ts'
import type { Reader } from '../protocol/entry.ts'
import { type Connection, IN_STEP } from './ports.ts'

/** A connection as Fanout sees it. Live: it has all up to the head. Else it reads pages until it reaches the head. */
export interface Member extends Reader {
  readonly connection: Connection
  readonly session: string
  group: Group
  /** Messages since it last saw one, counted while it is named in an audience. */
  unseen: number
}

/** Told of every connection that goes, by itself or sent away. */
export type Left = (connection: Connection) => void

/** Those who are sent the same, but for what audiences name. */
export interface Group {
  readonly codec: CodecName
  readonly hearsPresence: boolean
  readonly live: Set<Member>
}

export const newGroups = (): Group[] =>
  (Object.keys(codecs) as CodecName[]).flatMap((codec) =>
    [false, true].map((hearsPresence) => ({ codec, hearsPresence, live: new Set<Member>() })),
  )

/** A live connection hears of changes once it has been told what they change. */
export function groupOf(groups: readonly Group[], { attachment: { codec, presence, at } }: Connection): Group {
  const hearsPresence = presence === IN_STEP && at === undefined
  return groups.find((group) => group.codec === codec && group.hearsPresence === hearsPresence) as Group
}
