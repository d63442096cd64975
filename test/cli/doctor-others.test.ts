import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { expect, it, onTestFinished } from 'vitest'
import { need, starts } from '../needs.ts'
import { folder } from '../node/gateway.ts'
import { node } from '../targets/node.ts'
import { shared } from '../targets/shared.ts'
import { holdline } from './run.ts'

/** What stands where a gateway should: anything that answers in its place. */
async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

const at = async (server: Server, scheme = 'http') => `${scheme}://127.0.0.1:${await listening(server)}`

async function examined(url: string, env: Record<string, string> = {}) {
  const { code, out, err } = await holdline(['doctor', '--url', url], { NO_COLOR: '1', ...env })
  return { code, said: `${out}${err}` }
}

/** A gateway for all but the paths that somebody else answers. */
async function except(path: RegExp, answer: RequestListener): Promise<string> {
  const { url } = await shared(node)
  const server = createServer(async (request, response) => {
    if (path.test(`${request.url}`)) return answer(request, response)
    // Who leaves a stream ends it behind the proxy too, or it would break off with the gateway, unheard.
    const leaving = new AbortController()
    response.on('close', () => leaving.abort())
    const told = await fetch(`${url}${request.url}`, { signal: leaving.signal })
    response.writeHead(told.status, { 'content-type': `${told.headers.get('content-type')}` })
    await pipeline(told.body ?? [], response).catch(() => {})
  })
  return at(server)
}

const page: RequestListener = (_, response) => response.setHeader('content-type', 'text/html').end('<h1>Sign in</h1>')

it('tells another service that is well too from a gateway, and a page that answers everything', async () => {
  const health: RequestListener = (_, response) => response.end('{"status":"ok"}')
  const [other, pages, polls] = await Promise.all([
    examined(await at(createServer(health))),
    examined(await except(/^\/v1/, page)),
    examined(await except(/\/poll/, page)),
  ])
  for (const { code, said } of [other, pages]) {
    expect(said).toMatch(
      /wrong +access +something in front answered 200, and it is no Holdline\n +Route \/v1 to the gateway/,
    )
    expect(said).toContain('1 thing is wrong')
    expect(code).toBe(1)
  }
  expect(polls.said).toMatch(/wrong +poll +.*answered 200, and it is no poll's answer\n +Let the proxy pass \/v1/)
  expect(polls.code).toBe(1)
})

it('waits for no answer that does not end, nor for one that does not begin', async () => {
  const endless = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
  })
  const [half, nothing] = await Promise.all([
    examined(await at(endless)),
    examined(await at(createTcpServer(() => {}))),
  ])
  expect(half).toEqual({ code: 1, said: expect.stringContaining('no answer in 4 s') })
  expect(nothing).toEqual({ code: 1, said: expect.stringContaining('no answer in 4 s') })
})

it('says so where it is the wrong port, or the wrong scheme', async () => {
  const { url } = await shared(node)
  const ssh = createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n'))
  const [plain, noHttp] = await Promise.all([examined(url.replace('http', 'https')), examined(await at(ssh))])
  expect(plain).toEqual({
    code: 1,
    said: expect.stringMatching(/: wrong version number\n +No TLS is spoken there: use http/),
  })
  expect(noHttp).toEqual({ code: 1, said: expect.stringMatching(/speaks no HTTP: try https/) })
})

it('says what is wrong with a certificate, and takes it from an authority that it is told of', async () => {
  await need('openssl', ['openssl'], () => starts('openssl', 'version'))
  const [cert, key] = [join(folder(), 'cert.pem'), join(folder(), 'key.pem')]
  const kind = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=holdline',
  ]
  execFileSync(
    'openssl',
    ['req', '-x509', ...kind, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
    {
      stdio: 'pipe',
    },
  )
  const url = await at(createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }, page), 'https')
  const [stranger, friend] = await Promise.all([examined(url), examined(url, { NODE_EXTRA_CA_CERTS: cert })])
  expect(stranger).toEqual({
    code: 1,
    said: expect.stringMatching(
      /self-signed certificate.*\n +Clients refuse this certificate too.*NODE_EXTRA_CA_CERTS/,
    ),
  })
  expect(friend.said).toContain('and it is no Holdline')
})

it('does not call a token good that nobody looks at', async () => {
  const { url } = await shared(node)
  const { code, said } = await examined(url, { HOLDLINE_TOKEN: 'a-key-that-is-none-at-all' })
  expect(said).toMatch(/warning +access +the token is not looked at: whoever comes is let in\n +Set keys/)
  expect(code).toBe(0)
})
