import { writeFileSync } from 'node:fs'
import { METRICS } from '../node/metrics/definitions.ts'
import { FAMILIES } from '../settings/list.ts'
import { readSettings } from '../settings/read.ts'
import type { Setting } from '../settings/setting.ts'
import { Misconfigured } from './fail.ts'

/** What each family is about, in the order in which they are read. */
const CHAPTERS: { readonly [F in keyof typeof FAMILIES]: readonly [title: string, about: string] } = {
  server: [
    'The server',
    'For Node, where they are marked so. On the edge the platform listens, waits for headers and bounds them, and names the address of who comes.',
  ],
  storage: ['What is kept', ''],
  access: ['Who may enter', 'How keys and tokens work: [security.md](security.md).'],
  limits: [
    'Limits',
    'Who goes over one is told so, and nobody else notices. `npm start` and `npm run edge` without keys are open to this machine alone: then rates and numbers of connections have no default.',
  ],
  logging: ['Logs', ''],
  webhooks: ['Webhooks', 'What the backend hears and is asked: [webhooks.md](webhooks.md).'],
  client: [
    'The command line',
    'Of [holdline](cli.md), where it speaks to a gateway. They do nothing to a gateway itself.',
  ],
}

const EXAMPLE = { HOLDLINE_RATES: '5', HOLDLINE_SYNC: 'always', PORT: 'http' }

/** The page `docs/configuration.md`. */
export function configuration(): string {
  const shell = Object.entries(EXAMPLE).map(([name, value]) => `${name}=${value}`)
  const { message } = new Misconfigured(readSettings(EXAMPLE, 'node').wrong ?? [])
  const chapters = Object.entries(CHAPTERS).map(([family, [title, about]]) => {
    const rows = Object.values<Setting<unknown>>(FAMILIES[family as keyof typeof FAMILIES]).map(row)
    return [
      `## ${title}`,
      about,
      ['| setting | may be | default | what it is |', '|---|---|---|---|', ...rows].join('\n'),
    ]
  })
  return `${[
    '# Configuration',
    '<!-- Made by `npm run docs` from src/settings. Change it there. -->',
    'Every setting there is. None is needed to try Holdline on your own machine. An empty one is not set.',
    '**On Node** they are environment variables:',
    '```sh\nHOLDLINE_RATE=20 npm start\n```',
    '**On the edge** they have the same names: under `[vars]` in `wrangler.toml`, and the secret ones as secrets:',
    '```toml\n[vars]\nHOLDLINE_RATE = "20"\n```',
    '```sh\nnpx wrangler secret put HOLDLINE_JWT_SECRET\n```',
    '## When one is wrong',
    'Nothing starts with settings that are wrong, misspelt, or of no effect where they are. All that is wrong is said at once, and no line shows a secret.',
    `\`\`\`text\n$ ${shell.join(' ')} npm start\nHoldline did not start: ${message}\n\`\`\``,
    [
      '- **Node** ends with 78 (`EX_CONFIG`). Other failures, such as an address that is taken, end it with 1. For systemd: `RestartPreventExitStatus=78`.',
      '- **The edge** cannot refuse to start. It answers each request with 503 `unconfigured` and those lines in `detail`, `/readyz` too; a WebSocket is accepted and closed with 4012. `/healthz` goes on answering 200. Rooms keep all that they have, and go on when the settings are right.',
      '- A setting marked *Node* is refused on the edge, where it would do nothing. `HOST` and `PORT` are left alone there: they may be meant for somebody else.',
      '- Names that begin with `HOLDLINE_` and are no setting are refused. Those that Kubernetes and Docker make for a service called `holdline`, such as `HOLDLINE_SERVICE_HOST`, are left alone.',
    ].join('\n'),
    ...chapters.flat().filter((block) => block !== ''),
  ].join('\n\n')}\n`
}

function row({ name, kind, only, secret, unit, default: otherwise, unset = '', about }: Setting<unknown>): string {
  const marks = [only && 'Node', secret && 'secret'].filter(Boolean).map((mark) => ` *${mark}*`)
  // A bare star would begin emphasis.
  const says = kind.says.replaceAll('*', '\\*')
  const mayBe = unit === undefined ? says : `${says}, in ${unit}`
  const held = otherwise === undefined ? unset : `\`${otherwise}\``
  return `| \`${name}\`${marks.join('')} | ${mayBe} | ${held} | ${about} |`
}

/** The page `docs/metrics.md`. */
export function metrics(): string {
  const rows = METRICS.map(({ name, type, labels, says }) => {
    const named = Object.entries(labels).map(([label, values]) => `\`${label}\`: ${values}`)
    return `| \`${name}\` | ${type} | ${named.join('; ')} | ${says} |`
  })
  return `${[
    '# Metrics',
    '<!-- Made by `npm run docs` from src/node/metrics/definitions.ts. Change it there. -->',
    'What `GET /metrics` tells of a gateway on Node, in the text format of Prometheus. How to scrape it, and what to be woken for: [operations.md](operations.md#what-to-watch).',
    ['| metric | type | labels | what it is |', '|---|---|---|---|', ...rows].join('\n'),
    'No label names a room, a user or a session: their number is not bounded. Ask `GET /v1/rooms/:room` about one room.',
    'Besides there is what prom-client tells of every Node process, `process_…` and `nodejs_…`, from the first scrape on.',
    '## On the edge',
    'There `/metrics` answers 404. A Worker has no process that could be scraped, and a room that kept counts would have to stay awake, or write them. Cloudflare counts for you: requests, errors, duration, and the WebSocket messages and storage of the objects, in its dashboard and its GraphQL API. The log has the same lines as on Node, in Workers Logs.',
  ].join('\n\n')}\n`
}

if (import.meta.main) {
  writeFileSync(new URL('../../docs/configuration.md', import.meta.url), configuration())
  writeFileSync(new URL('../../docs/metrics.md', import.meta.url), metrics())
}
