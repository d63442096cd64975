import { list, subnet, text, whole, yesOrNo } from './kinds.ts'
import type { Family, Values } from './setting.ts'

/** How a process listens. The platform does this on the edge. */
export const server = {
  host: {
    name: 'HOST',
    kind: text('an address or a host name'),
    only: 'node',
    default: '127.0.0.1',
    about:
      'The address to listen on. On any other than loopback a key is needed: see [Who may enter](security.md). `npm run edge` listens on loopback always.',
  },
  port: {
    name: 'PORT',
    kind: whole(0, 65_535),
    only: 'node',
    default: '8787',
    about: 'The port to listen on; 0 picks a free one. `npm run edge` takes it too.',
  },
  tcpPort: {
    name: 'HOLDLINE_TCP_PORT',
    kind: whole(0, 65_535),
    only: 'node',
    unset: 'none, and there is no TCP',
    about:
      'The port for raw TCP, one JSON event or operation per line, on the same address; 0 picks a free one. See [TCP](protocol.md#tcp).',
  },
  tcpConnections: {
    name: 'HOLDLINE_TCP_CONNECTIONS',
    kind: whole(1, 1_000_000),
    only: 'node',
    unit: 'connections',
    default: '10000',
    about: 'How many TCP clients there may be at once. More are told so, with the code 4011, and ended.',
  },
  certificate: {
    name: 'HOLDLINE_TLS_CERT',
    kind: text('the path of a PEM file'),
    only: 'node',
    unset: 'none, and nothing is encrypted',
    about:
      'The certificate, with its chain, for HTTPS, `wss:` and TCP alike. It is read when the gateway starts. `HOLDLINE_TLS_KEY` goes with it.',
  },
  key: {
    name: 'HOLDLINE_TLS_KEY',
    kind: text('the path of a PEM file'),
    only: 'node',
    unset: 'none',
    about: 'The private key of `HOLDLINE_TLS_CERT`, not encrypted itself.',
  },
  trustedProxies: {
    name: 'HOLDLINE_TRUSTED_PROXIES',
    kind: list(subnet),
    only: 'node',
    unset: 'none',
    about:
      'Proxies whose `X-Forwarded-For` is believed. Without it, all who come through a proxy count as one address. On the edge the platform names the address.',
  },
  compression: {
    name: 'HOLDLINE_COMPRESSION',
    kind: yesOrNo,
    only: 'node',
    default: '0',
    about:
      'With `1`, WebSockets of one room may have what they are sent compressed (permessage-deflate). It is compressed once for all of them. It saves bandwidth and costs CPU.',
  },
  requestTimeout: {
    name: 'HOLDLINE_REQUEST_TIMEOUT',
    kind: whole(1, 3600),
    unit: 'seconds',
    default: '30',
    about:
      'The time in which a request must have come whole; its headers within 10 of them, a handshake too. Slower ones are ended. What is held has come whole, and is not. On the edge the platform waits for the headers, and this is for the body.',
  },
  maxHeader: {
    name: 'HOLDLINE_MAX_HEADER',
    kind: whole(4096, 65_536),
    only: 'node',
    unit: 'bytes',
    default: '16384',
    about: 'The most that the headers of a request may have. A larger one is answered with 431.',
  },
} satisfies Family

/** What is wrong with them together. `isSet`: whether a setting has a value, be it malformed. */
export function serverProblems(isSet: (name: string) => boolean): readonly string[] {
  const pair = [server.certificate.name, server.key.name] as const
  const [missing, ...others] = pair.filter((name) => !isSet(name))
  if (missing === undefined || others.length > 0) return []
  return [`${missing} must be set with ${pair.find((name) => name !== missing)}: neither is of use alone`]
}

/** The files of the certificate and its key, if there is to be one. */
export const tlsFiles = ({ certificate, key }: Values<typeof server>) =>
  certificate === undefined || key === undefined ? {} : { tls: { cert: certificate, key } }
