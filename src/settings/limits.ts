import { LIMITS } from '../protocol/limits.ts'
import { whole } from './kinds.ts'
import type { Family } from './setting.ts'

const COUNT = whole(1, 1_000_000_000)
const unless = (limit: number): string => `${limit}; none while it is open to this machine alone`

/** How much each may do, and how many may be there. */
export const limits = {
  payload: {
    name: 'HOLDLINE_MAX_PAYLOAD',
    kind: whole(1, LIMITS.payloadMost),
    unit: 'bytes',
    default: `${LIMITS.payload}`,
    about: 'The most that one message may have. A larger one is refused with `too_large`.',
  },
  rate: {
    name: 'HOLDLINE_RATE',
    kind: COUNT,
    unit: 'messages a second',
    unset: unless(LIMITS.rate),
    about:
      'What one connection may publish; presence states, tokens and joins count too. Over it there is an `error` with `rate`, then the close 4011.',
  },
  userRate: {
    name: 'HOLDLINE_USER_RATE',
    kind: COUNT,
    unit: 'messages a second',
    unset: unless(LIMITS.userRate),
    about:
      'What one user may publish in one room, presence states too, over all connections and requests; and as how many new sessions they may come: set it higher where many share one user. Over it: 429 with `Retry-After`, or the close 4011.',
  },
  perAddress: {
    name: 'HOLDLINE_CONNECTIONS_PER_ADDRESS',
    kind: COUNT,
    unit: 'connections',
    unset: unless(LIMITS.perAddress),
    about:
      'How many one address (of IPv6 one /64) may have: in one room, and on Node in all. Over it: 429, or the close 4011.',
  },
  connections: {
    name: 'HOLDLINE_CONNECTIONS_PER_ROOM',
    kind: COUNT,
    unit: 'connections',
    unset: unless(LIMITS.connections),
    about: 'How many one room may have. Over it: 429 `room_full`, or the close 4011.',
  },
  rooms: {
    name: 'HOLDLINE_ROOMS_PER_CONNECTION',
    kind: whole(1, LIMITS.roomsMost),
    unit: 'rooms',
    default: `${LIMITS.rooms}`,
    about: 'How many rooms one connection may follow. More are refused with `bad_request`.',
  },
  historyPage: {
    name: 'HOLDLINE_HISTORY_PAGE',
    kind: whole(1, LIMITS.historyMost),
    unit: 'messages',
    default: `${LIMITS.historyMost}`,
    about: 'The most that one page of history has. Who asks for more gets so many, and goes on with `next` or `prev`.',
  },
  presenceState: {
    name: 'HOLDLINE_PRESENCE_STATE',
    kind: whole(1, LIMITS.presenceStateMost),
    unit: 'bytes',
    default: `${LIMITS.presenceState}`,
    about: 'The most that the presence state of a session may have, as JSON. A larger one is refused with `too_large`.',
  },
  presence: {
    name: 'HOLDLINE_PRESENCE_LIST',
    kind: whole(1, 100_000),
    unit: 'sessions',
    default: `${LIMITS.presenceList}`,
    about:
      'How many a room may have present and still name each one. Above it there are counts and a sample, so that a crowd that comes and goes stays cheap.',
  },
} satisfies Family
