import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { documentText } from '../../src/gateway/openapi/document.ts'
import { SECRET, SESSION } from '../../src/gateway/openapi/values.ts'
import { eventually } from '../targets/target.ts'
import { moods } from '../webhooks/backend.ts'
import { hooked, type Told } from '../webhooks/suite.ts'
import { type Came, Document, locked, requestOf, type Sample, type Sent, send } from './clients/document.ts'
import { postJson, url } from './clients/http.ts'
import { BlockReader } from './clients/sse.ts'
import { API_KEY, bearer, LOCKED } from './clients/tokens.ts'

const document = new Document(documentText())
const key = bearer(API_KEY)
const ORIGIN = 'https://app.example'

/** Opens a WebSocket: the handshake's answer, and the first events. */
async function upgrade(base: string, { path, headers }: Sent): Promise<Came & { events: unknown[] }> {
  const socket = new WebSocket(base.replace('http', 'ws') + path, 'holdline.v1', { headers })
  const [[response], [message]] = await Promise.all([once(socket, 'upgrade'), once(socket, 'message')])
  socket.terminate()
  return {
    status: response.statusCode,
    headers: new Headers(response.headers),
    body: '',
    events: JSON.parse(`${message}`) as unknown[],
  }
}

const eventsIn = (stream: string): unknown[] =>
  new BlockReader().read(stream).flatMap(({ data }) => (data === undefined ? [] : [JSON.parse(data)]))

const keysOf = (value: unknown): string[] =>
  typeof value === 'object' && value !== null ? Object.keys(value).sort() : []

hooked(
  'openapi',
  (told) => {
    test('DOC-1 it is served to any origin that may use the gateway', async () => {
      const response = await fetch(`${told.url}/openapi.json`, { headers: { origin: ORIGIN } })
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, ORIGIN])
      expect(await response.text()).toBe(documentText())
      expect((await fetch(`${told.url}/openapi.json`, { headers: { origin: 'https://evil.example' } })).status).toBe(
        403,
      )
    })

    test.each(document.samples)('DOC-2 $title is answered as documented', async (sample) => {
      const request = await prepared(told, sample)
      const isSocket = sample.status === 101
      // Where there is no process to be scraped.
      const isElsewhere = sample.operation.path === '/metrics' && told.gateway.target.name === 'workerd'
      const came = isSocket ? await upgrade(told.url, request) : await send(told.url, request)
      expect(document.complaintsOf(sample.operation, came), JSON.stringify(came.body)).toEqual([])
      expect(came.status).toBe(isElsewhere ? 404 : sample.status)
      const isStream = came.headers.get('content-type') === 'text/event-stream'
      const events = 'events' in came ? (came.events as unknown[]) : isStream ? eventsIn(`${came.body}`) : []
      for (const event of events) expect(document.complaints(document.component('Event'), event)).toEqual([])
      if (isStream || isSocket) expect(events[0]).toMatchObject({ type: 'welcome' })
      else if (sample.answer !== undefined) expect(keysOf(came.body)).toEqual(keysOf(sample.answer))
    })
  },
  {
    ...LOCKED,
    HOLDLINE_ORIGINS: ORIGIN,
    HOLDLINE_WEBHOOK_WAITING: '1',
    HOLDLINE_WEBHOOK_EVENTS: 'message',
  },
)

/** The request of a sample, after what it speaks of is there. */
async function prepared(told: Told, sample: Sample): Promise<Sent> {
  const { path } = sample.operation
  if (/session|presence/.test(path)) await isThere(told.url)
  if (path.endsWith('/resend') || path.endsWith('/dead')) {
    const letters = await deadLetters(told)
    return locked(requestOf(sample, { letter: letters[0] as string }))
  }
  return locked(requestOf(sample))
}

/** Somebody with the secret of the examples follows the lobby until the test is over. */
async function isThere(base: string): Promise<void> {
  const leaving = new AbortController()
  onTestFinished(() => leaving.abort())
  const address = url(base, 'lobby', '/events', { resume: SECRET, presence: 1 })
  const response = await fetch(address, { headers: key, signal: leaving.signal })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let text = ''
  while (!text.includes('"action":"sync"')) text += Buffer.from((await reader.read()).value ?? []).toString()
  expect(text).toContain(SESSION)
}

/** Their ids, after the backend has failed to take two messages of the lobby at least. */
async function deadLetters(told: Told): Promise<string[]> {
  told.backend.mood = moods.fails
  for (const data of ['lost', 'lost too', 'waiting']) await postJson(told.url, 'lobby', { data }, { headers: key })
  let ids: string[] = []
  await eventually('two are dead', async () => {
    const response = await fetch(url(told.url, 'lobby', '/webhooks/dead'), { headers: key })
    ids = ((await response.json()) as { dead: { id: string }[] }).dead.map(({ id }) => id)
    return ids.length > 1
  })
  return ids
}
