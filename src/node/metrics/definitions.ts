import { BOUNDS, type Histogram } from './histogram.ts'
import type { Look, Readings } from './readings.ts'

export interface Sample {
  readonly value: number
  readonly labels?: Readonly<Record<string, string | number>>
  /** Of a histogram: its name with what it counts behind it. */
  readonly metricName?: string
}

/** One metric. All that is said of it anywhere is made from this. */
export interface Metric {
  readonly name: `holdline_${string}`
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** One sentence or two, without a line break. */
  readonly says: string
  /** By name, what they may be. Never what clients choose: no room, user or session. */
  readonly labels: Readonly<Record<string, string>>
  read(readings: Readings, look: Look): readonly Sample[]
}

const TRANSPORT = { transport: '`websocket`, `poll`, `sse`, `tcp`' }

/** A number for each value of a label. */
const by = (label: string, numbers: Readonly<Record<string, number>>): Sample[] =>
  Object.entries(numbers).map(([value, number]) => ({ labels: { [label]: value.replaceAll('-', '_') }, value: number }))

function counter(
  name: Metric['name'],
  says: string,
  read: (readings: Readings) => number | readonly Sample[],
  labels: Metric['labels'] = {},
): Metric {
  return { name, type: 'counter', says, labels, read: (readings) => samples(read(readings)) }
}

function gauge(
  name: Metric['name'],
  says: string,
  read: (look: Look) => number | readonly Sample[],
  labels: Metric['labels'] = {},
): Metric {
  return { name, type: 'gauge', says, labels, read: (_, look) => samples(read(look)) }
}

const samples = (read: number | readonly Sample[]): readonly Sample[] =>
  typeof read === 'number' ? [{ value: read }] : read

function histogram(name: Metric['name'], says: string, of: (readings: Readings) => Histogram): Metric {
  const read = (readings: Readings): Sample[] => {
    const { counts, sum } = of(readings)
    let count = 0
    const buckets = counts.map((each, i) => {
      count += each
      return { metricName: `${name}_bucket`, labels: { le: BOUNDS[i] ?? '+Inf' }, value: count }
    })
    return [...buckets, { metricName: `${name}_sum`, value: sum }, { metricName: `${name}_count`, value: count }]
  }
  return { name, type: 'histogram', says, labels: {}, read }
}

/** Every metric of ours that there is. One more is one more entry here. */
export const METRICS: readonly Metric[] = [
  gauge('holdline_ready', 'Does it take work? 1 or 0, as `/readyz` says.', ({ isReady }) => Number(isReady)),
  gauge('holdline_rooms', 'Rooms in memory. Silent ones leave it, and come back from the log.', ({ rooms }) => rooms),
  gauge(
    'holdline_connections',
    'Connections to rooms. One that follows three rooms counts three times.',
    ({ connections }) => by('transport', connections),
    TRANSPORT,
  ),
  counter(
    'holdline_connections_opened_total',
    'Connections that rooms have let in. Of polls each one counts.',
    ({ opened }) => by('transport', opened),
    TRANSPORT,
  ),
  counter(
    'holdline_closes_total',
    'Connections that the gateway has closed or not let in, by close code: see ERR-5.',
    ({ tally }) => [...tally.closes].map(([code, value]) => ({ labels: { code }, value })),
    { code: 'such as `4001`' },
  ),
  counter(
    'holdline_recoveries_total',
    'How those were served who came back with a cursor. A poll counts only if it has missed something.',
    ({ tally: { recoveries } }) => {
      const { recovered, ...gaps } = recoveries
      const named = Object.entries(gaps).map(([reason, count]) => [`gap_${reason}`, count] as const)
      return by('outcome', { recovered, ...Object.fromEntries(named) })
    },
    { outcome: '`recovered`, `gap_retention`, `gap_epoch`, `gap_rolled_back`, `gap_forbidden`' },
  ),
  counter(
    'holdline_messages_published_total',
    'Messages that were committed, whichever way they came. Ephemeral ones are not logged.',
    ({ tally }) => by('kind', tally.published),
    { kind: '`logged`, `ephemeral`' },
  ),
  counter(
    'holdline_deliveries_total',
    'Events that were sent as they came: one for each connection that they were sent to.',
    ({ tally }) => tally.deliveries,
  ),
  counter(
    'holdline_replays_total',
    'Events that were read from the log, for connections that were behind.',
    ({ tally }) => tally.replays,
  ),
  histogram(
    'holdline_publish_seconds',
    'From when a room has taken a message until it is committed and sent on. Observed once a commit, for the message that has waited longest.',
    ({ publish }) => publish,
  ),
  histogram('holdline_commit_seconds', 'What one transaction takes, for all rooms that write.', ({ commit }) => commit),
  histogram(
    'holdline_fanout_seconds',
    'What it takes to write a commit to all connections of its room.',
    ({ fanout }) => fanout,
  ),
  gauge(
    'holdline_queue_bytes',
    'Bytes that wait: for their commit, or for connections to take them.',
    ({ commit, send }) => by('for', { commit, send }),
    { for: '`commit`, `send`' },
  ),
  gauge('holdline_slow_consumers', 'Connections that are behind and do not read.', ({ stuck }) => stuck),
  counter(
    'holdline_fell_behind_total',
    'How often a connection fell behind because it did not read. Who does not read for 30 seconds is closed with 4001.',
    ({ tally }) => tally.fellBehind,
  ),
  counter(
    'holdline_http_requests_total',
    'Requests that were answered, by route as in `/openapi.json`. Handshakes too, with 101.',
    ({ requests }) =>
      [...requests].flatMap(([route, statuses]) =>
        [...statuses].map(([status, value]) => ({ labels: { route, status }, value })),
      ),
    { route: 'such as `/v1/rooms/:room/messages`, or `none`', status: 'such as `201`' },
  ),
  counter(
    'holdline_webhook_attempts_total',
    'Attempts to tell the backend a batch of events.',
    ({ backend }) => by('outcome', backend?.attempts ?? {}),
    { outcome: '`taken`, `failed`' },
  ),
  gauge('holdline_webhook_waiting', 'Events that wait for the backend, of rooms in memory.', ({ telling }) => telling),
  counter(
    'holdline_webhook_dead_total',
    'Events that went to the dead letters.',
    ({ backend }) => backend?.buried ?? 0,
  ),
  counter(
    'holdline_questions_total',
    'Questions to the backend: who may connect, what may be said.',
    ({ backend }) => by('outcome', backend?.questions ?? {}),
    { outcome: '`answered`, `failed`, `unasked` (too many were on their way)' },
  ),
  counter('holdline_errors_total', 'Lines in the log of level `error`.', ({ errors }) => errors),
]
