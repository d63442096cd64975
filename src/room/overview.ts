import { formatCursor } from '../protocol/cursor.ts'
import { headPosition } from './extent.ts'
import type { Fanout } from './fanout.ts'
import type { RoomFigures } from './figures.ts'
import type { Activity, Info } from './info.ts'
import type { Participants } from './participants.ts'
import type { Kind, RoomHost } from './ports.ts'

export interface OverviewParts {
  readonly name: string
  readonly host: RoomHost
  readonly participants: Participants
  readonly fanout: Fanout
  readonly figures: RoomFigures
}

/** What operators see of the room as a whole. */
export class Overview {
  readonly #parts: OverviewParts
  readonly #awakeSince: number

  constructor(parts: OverviewParts) {
    this.#parts = parts
    this.#awakeSince = parts.host.now()
  }

  /** In O(1). */
  get activity(): Omit<Activity, 'connections'> {
    const { name, host, participants, figures } = this.#parts
    return {
      room: name,
      rate: figures.rateAt(host.now()),
      sessions: participants.size,
      awakeSince: this.#awakeSince,
    }
  }

  get info(): Info {
    const { name, host, participants, fanout, figures } = this.#parts
    const connections: Record<Kind, number> = { websocket: 0, poll: 0, sse: 0, tcp: 0 }
    for (const { attachment } of fanout.connections()) connections[attachment.kind]++
    return {
      room: name,
      cursor: formatCursor(headPosition(fanout.head)),
      sessions: participants.size,
      connections,
      awakeSince: this.#awakeSince,
      ...figures.figuresAt(host.now()),
    }
  }
}
