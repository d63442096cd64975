import { list, subnet, text, whole } from './kinds.ts'
import type { Family } from './setting.ts'

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
  trustedProxies: {
    name: 'HOLDLINE_TRUSTED_PROXIES',
    kind: list(subnet),
    only: 'node',
    unset: 'none',
    about:
      'Proxies whose `X-Forwarded-For` is believed. Without it, all who come through a proxy count as one address. On the edge the platform names the address.',
  },
  requestTimeout: {
    name: 'HOLDLINE_REQUEST_TIMEOUT',
    kind: whole(1, 3600),
    only: 'node',
    unit: 'seconds',
    default: '30',
    about:
      'The time in which a request must have come whole; its headers within 10 of them. Slower ones are ended, a handshake too. What is held has come whole, and is not.',
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
