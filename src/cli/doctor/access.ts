import { type Finding, ok, skipped, warning, wrong } from './finding.ts'
import { ask, jsonOf, type Patient, problemOf, roomUrl, senderOf } from './patient.ts'

/** Is who asks let into the room? If not, no transport can be tried. */
export async function access(patient: Patient): Promise<Finding> {
  const answer = await ask(patient, roomUrl(patient, ''))
  if (answer.ok && jsonOf(answer)?.room === patient.room) return entered(patient)
  const problem = problemOf(answer)
  if (problem === undefined) {
    return wrong(
      'access',
      `${senderOf(answer)} answered ${answer.status}, and it is no Holdline`,
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

/** A gateway without keys takes any token, also a wrong one. */
async function entered(patient: Patient): Promise<Finding> {
  if (patient.token === undefined) return ok('access', 'open, without a token')
  const { ok: isOpen } = await ask({ ...patient, token: undefined }, roomUrl(patient, ''))
  if (!isOpen) return ok('access', 'the token is taken')
  return warning(
    'access',
    'the token is not looked at: whoever comes is let in',
    'Set keys for the gateway, if not all may use it; see docs/security.md.',
  )
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
  const answer = await ask(patient, roomUrl(patient, '/events'), {
    headers: { 'last-event-id': '!' },
    stop: stop.signal,
  })
  stop.abort()
  if (answer.status === 400 && problemOf(answer)?.code === 'bad_cursor') return ok('headers', 'Last-Event-ID arrives')
  return wrong(
    'headers',
    'Last-Event-ID does not arrive',
    'Let the proxy pass it on: without it an EventSource that comes back misses messages.',
  )
}

async function preflight(patient: Patient): Promise<Finding> {
  const { origin } = patient
  if (origin === undefined) return skipped('origin', 'not tried; --origin https://app.example.com does')
  const { headers } = await ask({ ...patient, token: undefined }, roomUrl(patient, '/messages'), {
    method: 'OPTIONS',
    headers: {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  })
  const allowed = headers.get('access-control-allow-origin')
  const names = `${headers.get('access-control-allow-headers')}`.toLowerCase()
  if ((allowed === origin || allowed === '*') && names.includes('authorization'))
    return ok('origin', `${origin} may use it`)
  return wrong(
    'origin',
    `pages of ${origin} may not use it`,
    'Add it to HOLDLINE_ORIGINS; a proxy must pass on OPTIONS and Origin, and set no CORS headers of its own.',
  )
}
