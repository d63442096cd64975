import { type Finding, ok, skipped, wrong } from './finding.ts'
import { ask, type Patient, problemOf, roomUrl, senderOf } from './patient.ts'

/** Is who asks let into the room? If not, no transport can be tried. */
export async function access(patient: Patient): Promise<Finding> {
  const response = await ask(patient, roomUrl(patient, ''))
  if (response.ok) {
    await response.text()
    return ok('access', patient.token === undefined ? 'open, without a token' : 'the token is taken')
  }
  const problem = await problemOf(response)
  if (problem === undefined) {
    return wrong(
      'access',
      `${senderOf(response)} answered ${response.status}`,
      'Route /v1 to the gateway, and let it alone.',
    )
  }
  const { code, detail } = problem
  // Of a header that came, the gateway says what is wrong with it.
  const isStripped = code === 'unauthorized' && patient.token !== undefined && detail.startsWith('Send a token')
  if (isStripped) {
    return wrong(
      'access',
      'the Authorization header does not arrive',
      'Let the proxy pass it on. Apache: CGIPassAuth; nginx passes it unless proxy_set_header clears it.',
    )
  }
  return wrong('access', `${code}: ${detail}`, ACCESS[code] ?? 'See docs/security.md.')
}

const ACCESS: Readonly<Record<string, string>> = {
  unauthorized: 'Give a token or an API key: HOLDLINE_TOKEN, --token-file.',
  token_expired: 'Get a fresh token: holdline token, or your backend.',
  revoked: 'Get a fresh token.',
  forbidden: 'Name a room that the token opens with --room, and let it have `subscribe` there.',
  origin: 'Add the origin to HOLDLINE_ORIGINS.',
  host: 'Set keys for the gateway; without any it serves its own machine alone, and no proxy that changes Host.',
  rate: 'Too many requests came from here: raise the limits, or set HOLDLINE_TRUSTED_PROXIES, so that not all count as the proxy.',
}

/** Do the headers arrive that resuming and pages from elsewhere need? */
export async function headers(patient: Patient): Promise<readonly Finding[]> {
  return [await lastEventId(patient), await preflight(patient)]
}

/** A malformed one is refused: so it came. */
async function lastEventId(patient: Patient): Promise<Finding> {
  const stop = new AbortController()
  const response = await ask(patient, roomUrl(patient, '/events'), {
    headers: { 'last-event-id': '!' },
    signal: stop.signal,
  })
  if (response.status === 400 && (await problemOf(response))?.code === 'bad_cursor') {
    return ok('headers', 'Last-Event-ID arrives')
  }
  stop.abort()
  return wrong(
    'headers',
    'Last-Event-ID does not arrive',
    'Let the proxy pass it on: without it an EventSource that comes back misses messages.',
  )
}

async function preflight(patient: Patient): Promise<Finding> {
  const { origin } = patient
  if (origin === undefined) return skipped('origin', 'not tried; --origin https://app.example.com does')
  const response = await ask({ ...patient, token: undefined }, roomUrl(patient, '/messages'), {
    method: 'OPTIONS',
    headers: {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  })
  await response.text()
  const allowed = response.headers.get('access-control-allow-origin')
  const names = `${response.headers.get('access-control-allow-headers')}`.toLowerCase()
  if ((allowed === origin || allowed === '*') && names.includes('authorization'))
    return ok('origin', `${origin} may use it`)
  return wrong(
    'origin',
    `pages of ${origin} may not use it`,
    'Add it to HOLDLINE_ORIGINS; a proxy must pass on OPTIONS and Origin, and set no CORS headers of its own.',
  )
}
