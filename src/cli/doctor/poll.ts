import { reasonOf } from '../api.ts'
import { type Finding, ok, warning, wrong } from './finding.ts'
import { ask, jsonOf, type Patient, PROMPT, problemOf, roomUrl, senderOf } from './patient.ts'

const TIMEOUT =
  'Raise the timeout in front over 60 s. nginx: proxy_read_timeout 75s; HAProxy: timeout server 75s; AWS ALB: idle timeout 75.'

/** Seconds that a quick look holds a poll. */
const SHORT = 2

interface Page {
  readonly cursor: string
  readonly events: readonly unknown[]
  readonly advice: { readonly wait: number }
}

/** Is a poll held as long as was asked? `isSlow`: as long as the gateway advises. */
export async function poll(patient: Patient, isSlow: boolean): Promise<Finding> {
  const first = await answered(patient, '', PROMPT)
  if ('verdict' in first) return first
  const wait = isSlow ? first.advice.wait : SHORT
  const began = Date.now()
  const second = await answered(patient, `?wait=${wait}&cursor=${first.cursor}`, wait * 1000 + PROMPT)
  const took = (Date.now() - began) / 1000
  if ('verdict' in second) {
    return wrong(
      'poll',
      `held for ${wait} s, cut after ${took.toFixed(0)} s: ${second.found}`,
      took < 1 ? second.advice : TIMEOUT,
    )
  }
  if (second.events.length > 0) return ok('poll', `answered after ${took.toFixed(1)} s, when something came`)
  if (took < wait - 0.5) {
    return warning(
      'poll',
      `asked for ${wait} s, answered after ${took.toFixed(1)} s`,
      'Something in front answers early, or from a cache: let it cache nothing under /v1.',
    )
  }
  return ok('poll', `held for ${wait} s as asked${isSlow ? '' : '; --slow holds it longer'}`)
}

async function answered(patient: Patient, query: string, patience: number): Promise<Page | Finding> {
  try {
    const answer = await ask(patient, roomUrl(patient, `/poll${query}`), { patience })
    const page = jsonOf(answer) as Page | undefined
    if (answer.ok && Array.isArray(page?.events) && page.advice?.wait > 0) return page
    const problem = problemOf(answer)
    const who =
      problem === undefined
        ? `${senderOf(answer)} answered ${answer.status}${answer.ok ? `, and it is no poll's answer` : ''}`
        : `${problem.code}: ${problem.detail}`
    return wrong('poll', who, 'Let the proxy pass /v1 to the gateway as it is.')
  } catch (error) {
    return wrong('poll', reasonOf(error), TIMEOUT)
  }
}
