/** Bounds of the protocol. Sizes in bytes, times in the unit that the name says. */
export const LIMITS = {
  /** SIZE-1: the default and the most that may be set. */
  payload: 64 * 1024,
  payloadMost: 1024 * 1024,
  /** SIZE-3: of a message written as JSON. A row on the edge has 2 MB, and holds its audience too. */
  json: 1_572_864,
  /** SIZE-2: `\u0000` is six bytes for one. */
  frameFactor: 6,
  frameExtra: 16 * 1024,
  operations: 256,
  /** FAN-1: events of one pack. */
  pack: 64 * 1024,
  /** FAN-2: what a connection may be owed before it counts as behind. */
  ahead: 1024 * 1024,
  /** WS-6: bytes between two probes, where the socket does not tell what it holds. */
  probe: 256 * 1024,
  /** FAN-4: milliseconds that one may be behind without reading anything. */
  patience: 30_000,
  /** FOLLOW-8: invisible messages after which a live client hears how far it has come. */
  invisible: 256,
  /** PUB-9: drafts that wait for their commit. */
  waiting: 4 * 1024 * 1024,
  rewind: 1000,
  /** HOOK-8: dead letters of one answer. */
  deadDefault: 20,
  deadMost: 100,
  historyDefault: 100,
  historyMost: 1000,
  historyBytes: 1024 * 1024,
  /** Pages of a catch-up: large enough to be few, small enough to let others in between. */
  page: 256 * 1024,
  audience: 32,
  /** FOLLOW-9: milliseconds of the past that are no history yet. */
  recent: 10 * 60_000,
  /** LIMIT-1 to LIMIT-4: messages a second, and connections. */
  rate: 100,
  userRate: 200,
  perAddress: 1000,
  connections: 30_000,
  /** BATCH-1: messages of one request. */
  batch: 100,
  /** MULTI-1: rooms of one connection, and the most that may be set. */
  rooms: 32,
  roomsMost: 100,
  connectionsPerSession: 4,
  waitMost: 55,
  /** Seconds between a client's pings, between an SSE stream's comments. */
  heartbeat: 25,
  comment: 15,
  /** Milliseconds that a session outlives its last connection. */
  grace: 30_000,
  stateBytes: 64 * 1024,
  /** PRES-2: of one session's presence state, as JSON, and the most that may be set. */
  presenceState: 1024,
  presenceStateMost: 8 * 1024,
  /** PRES-6: above it presence is counts with a sample; it becomes a list again below four fifths of it. */
  presenceList: 500,
  presenceSample: 50,
} as const

/** The longest WebSocket message that a client may send (SIZE-2). */
export const frameLimit = (payload: number): number => payload * LIMITS.frameFactor + LIMITS.frameExtra
