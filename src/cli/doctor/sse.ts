import { type Finding, ok, warning, wrong } from './finding.ts'
import { ask, type Patient, PROMPT, problemOf, roomUrl, senderOf } from './patient.ts'

const UNBUFFERED =
  'Streams are held back in front. nginx: proxy_buffering off; proxy_cache off; gzip off for /v1. HAProxy: no option http-buffer-request. Clients fall back to long-poll meanwhile.'
const IDLE = 'Raise the timeout in front over 60 s. nginx: proxy_read_timeout 3600s; HAProxy: timeout server 1h.'

/** Seconds: a comment comes every 15. */
const QUIET = 20

/** Does a stream arrive as it is sent? `isSlow`: and does it stand until its next comment? */
export async function sse(patient: Patient, isSlow: boolean): Promise<Finding> {
  const stop = new AbortController()
  const began = Date.now()
  try {
    const answer = await ask(patient, roomUrl(patient, '/events'), { stop: stop.signal })
    const { status, headers, stream } = answer
    if (stream === undefined) {
      const who = problemOf(answer)?.code ?? `${senderOf(answer)} answered ${status}`
      return wrong('sse', `no stream: ${who}`, 'Let the proxy pass /v1 to the gateway as it is.')
    }
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader()
    if (!(await has(reader, /^(id|data):.*\n\n/ms, PROMPT))) {
      return wrong('sse', `headers came, but no event in ${PROMPT / 1000} s`, UNBUFFERED)
    }
    const took = Date.now() - began
    if (isSlow && !(await has(reader, /^:/m, QUIET * 1000))) {
      const seconds = Math.round((Date.now() - began) / 1000)
      return wrong('sse', `no comment in ${seconds} s, or cut before`, `${UNBUFFERED} ${IDLE}`)
    }
    const encoding = headers.get('content-encoding')
    if (encoding !== null) {
      return warning(
        'sse',
        `first event in ${took} ms, compressed by ${encoding}`,
        'Do not compress text/event-stream in front: it may hold back what is small.',
      )
    }
    return ok('sse', `first event in ${took} ms, unbuffered`)
  } catch (error) {
    return wrong('sse', (error as Error).message, UNBUFFERED)
  } finally {
    stop.abort()
  }
}

/** Whether it comes in time (ms). */
async function has(reader: ReadableStreamDefaultReader<string>, what: RegExp, within: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((told) => {
    timer = setTimeout(told, within, 'late')
  })
  let text = ''
  try {
    for (;;) {
      const read = await Promise.race([reader.read(), late])
      if (read === 'late' || read.done) return false
      text += read.value
      if (what.test(text)) return true
    }
  } catch {
    return false
  } finally {
    clearTimeout(timer)
  }
}
