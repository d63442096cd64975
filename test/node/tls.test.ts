import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect as secure } from 'node:tls'
import { beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { readCertificate } from '../../src/node/tls.ts'
import { Line } from '../conformance/clients/tcp.ts'
import { freshRoom, range } from '../conformance/suite.ts'
import { need, starts } from '../needs.ts'
import { folder, start } from './gateway.ts'

beforeAll(() => need('openssl', ['openssl'], () => starts('openssl', 'version')), 120_000)

/** A certificate that vouches for itself, for 127.0.0.1. */
function certificate() {
  const at = folder()
  const [cert, key] = [join(at, 'cert.pem'), join(at, 'key.pem')]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const names = ['-subj', '/CN=holdline', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', cert], { stdio: 'pipe' })
  return { at, cert, key, ca: readFileSync(cert) }
}

const settings = ({ at, cert, key }: ReturnType<typeof certificate>) => ({
  HOLDLINE_DATA: join(at, 'rooms.db'),
  HOLDLINE_TCP_PORT: '0',
  HOLDLINE_TLS_CERT: cert,
  HOLDLINE_TLS_KEY: key,
})

it('TLS-1 HTTP, WebSocket and TCP are encrypted by the same certificate, and speak nothing in the clear', async () => {
  const made = certificate()
  const { base, tcp, said } = await start({ ...settings(made), HOLDLINE_CONNECTIONS_PER_ADDRESS: '6' })
  expect([base, tcp]).toEqual([expect.stringMatching(/^https:/), expect.stringMatching(/^tls:/)])
  const { ca } = made
  const room = freshRoom()
  const answer = async (path: string, body?: string) => {
    const headers = { 'content-type': 'text/plain' }
    const method = body === undefined ? 'GET' : 'POST'
    const sent = request(`${base}${path}`, { ca, method, headers, agent: false })
    sent.end(body)
    const [response] = await once(sent, 'response')
    return [response.statusCode, await text(response)] as const
  }
  expect(await answer('/healthz')).toEqual([200, '{"status":"ok"}'])
  const port = Number(new URL(`${tcp}`.replace('tls:', 'https:')).port)
  const dial = () =>
    new Line(secure({ host: '127.0.0.1', ca, socket: connect({ port, host: '127.0.0.1', allowHalfOpen: true }) }))
  const line = dial()
  line.send({ op: 'open', room })
  await line.greeting()
  const socket = new WebSocket(`${base.replace('https', 'wss')}/v1/rooms/${room}/ws`, { ca })
  await once(socket, 'open')
  const shown = once(socket, 'message')
  expect((await answer(`/v1/rooms/${room}/messages`, 'hello'))[0]).toBe(201)
  expect((await line.messages(1))[0]?.payload).toBe('hello')
  expect(`${(await shown)[0]}`).toBe('hello')
  // Half-closed, it is answered and ended as in the clear.
  const done = line.answer('last')
  line.socket.end('{"op":"publish","ref":"last","data":1}')
  expect((await done).type).toBe('ack')
  expect(await line.ended).toBeUndefined()
  // In the clear nothing is said, and who tries is a matter of its own.
  await expect(fetch(base.replace('https', 'http'))).rejects.toThrow()
  // The surplus of an address is told why, in its own language.
  const held = await Promise.all(
    range(5).map(async () => {
      const more = dial()
      more.send({ op: 'open', room: freshRoom() })
      return more.greeting()
    }),
  )
  expect(await dial().ended).toMatchObject({ code: 4011, reason: expect.stringContaining('address') })
  expect((await answer('/healthz'))[0]).toBe(429)
  for (const each of held) await each.close()
  socket.terminate()
  expect(said()).not.toMatch(/"level":"(warn|error|fatal)"/)
})

it('TLS-1 a certificate that cannot be read, is none, or has another key keeps the gateway from starting', async () => {
  const [made, other] = [certificate(), certificate()]
  const garbage = join(made.at, 'garbage.pem')
  writeFileSync(garbage, 'garbage')
  const missing = join(made.at, 'missing.pem')
  const why = await start({ ...settings(made), HOLDLINE_TLS_CERT: missing }).catch((error: Error) => error.message)
  expect(why).toMatch(/^ended with 1: Holdline did not start: HOLDLINE_TLS_CERT cannot be read: .*missing\.pem.*\n$/)
  expect(() => readCertificate({ ...made, key: missing })).toThrow(/^HOLDLINE_TLS_KEY cannot be read: .*missing/)
  for (const wrong of [
    { ...made, cert: garbage },
    { ...made, key: garbage },
    { ...made, key: other.key },
  ]) {
    expect(() => readCertificate(wrong)).toThrow(
      /^HOLDLINE_TLS_CERT and HOLDLINE_TLS_KEY must be a certificate and its key/,
    )
  }
})
