import { codeOf, reasonOf } from '../api.ts'
import { type Finding, ok, warning, wrong } from './finding.ts'
import { ask, jsonOf, type Patient, problemOf, proxyOf, senderOf } from './patient.ts'

/** Seconds: what the gateway allows a token's clock. */
const TOLERANCE = 5

/** Is there a gateway? If not, nothing else need be asked. */
export async function reach(
  patient: Patient,
): Promise<{ readonly findings: readonly Finding[]; readonly isThere: boolean }> {
  const began = Date.now()
  const gone = (found: string, advice: string) => ({ findings: [wrong('reach', found, advice)], isThere: false })
  try {
    const answer = await ask(patient, `${patient.url}/healthz`)
    const took = Date.now() - began
    const { status, headers } = answer
    const location = headers.get('location')
    if (status >= 300 && status < 400 && location !== null) {
      const target = new URL(location, patient.url).href.replace(/\/healthz$/, '')
      return gone(`${patient.url} sends on to ${target}`, `Use --url ${target}: WebSockets follow no redirects.`)
    }
    if (jsonOf(answer)?.status !== 'ok') {
      const advice = 'Route the paths /v1, /healthz and /readyz to the gateway, and see that it runs.'
      return gone(`${senderOf(answer)} answered ${status}, and it is no Holdline`, advice)
    }
    const proxy = proxyOf(headers)
    return {
      findings: [ok('reach', `answers in ${took} ms${proxy && `, through ${proxy}`}`), ...clock(headers, began, took)],
      isThere: true,
    }
  } catch (error) {
    return gone(`nothing answers at ${patient.url}: ${reasonOf(error)}`, remedyFor(error, patient.url))
  }
}

/** What to do about it, by what Node and OpenSSL call it. */
function remedyFor(error: unknown, url: string): string {
  const code = codeOf(error)
  if (/CERT|SIGNED|ISSUER|ALTNAME/.test(code)) {
    return 'Clients refuse this certificate too. Get one for this name, with its whole chain; of an authority of your own: NODE_EXTRA_CA_CERTS=ca.pem.'
  }
  if (url.startsWith('https:') && /SSL|PROTO/.test(code))
    return 'No TLS is spoken there: use http, or the port that has it.'
  if (url.startsWith('http:') && /HTTPParser|UND_ERR_SOCKET|RESET/.test(code)) {
    return 'It hung up, or speaks no HTTP: try https, and see that this is the port of HTTP.'
  }
  return 'See that the gateway runs, and that name, port and firewall are right.'
}

/** Tokens begin and end by the gateway's clock. */
function clock(headers: Headers, began: number, took: number): readonly Finding[] {
  const date = Date.parse(headers.get('date') ?? '')
  if (Number.isNaN(date)) return []
  // The header has whole seconds, so half of one is its middle.
  const apart = Math.round((date + 500 - (began + took / 2)) / 1000)
  if (Math.abs(apart) <= TOLERANCE) return [ok('clock', 'the same as here')]
  const found = `${Math.abs(apart)} s ${apart > 0 ? 'ahead of' : 'behind'} this machine's`
  return [wrong('clock', found, 'Set both by NTP: tokens end too early or too late, and fresh ones may be refused.')]
}

/** Does it take work? */
export async function ready(patient: Patient): Promise<Finding> {
  const answer = await ask(patient, `${patient.url}/readyz`)
  if (answer.ok) return ok('ready', 'takes work')
  const problem = problemOf(answer)
  if (problem === undefined)
    return warning(
      'ready',
      `${senderOf(answer)} answered /readyz with ${answer.status}`,
      'Route /readyz to the gateway.',
    )
  return wrong('ready', `${problem.code}: ${problem.detail}`, READY[problem.code] ?? 'See docs/operations.md.')
}

const READY: Readonly<Record<string, string>> = {
  storage: 'Make room on the disk, or make it writable; the gateway goes on by itself.',
  draining: 'It is going down: ask again when it is up.',
  unconfigured: 'Set what is named there; docs/configuration.md has all settings.',
}
