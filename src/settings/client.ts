import { text, url } from './kinds.ts'
import type { Family } from './setting.ts'

/** What the command line goes by when it speaks to a gateway. A gateway knows their names and does nothing with them. */
export const client = {
  url: {
    name: 'HOLDLINE_URL',
    kind: url('an http or https URL', ({ protocol }) => protocol === 'https:' || protocol === 'http:'),
    only: 'node',
    default: 'http://127.0.0.1:8787',
    about: 'The gateway that `holdline` speaks to, as `--url` does.',
  },
  token: {
    name: 'HOLDLINE_TOKEN',
    kind: text('a token or an API key'),
    only: 'node',
    secret: true,
    unset: 'none',
    about: 'What `holdline` shows to the gateway. Unlike `--token` it is not seen by `ps`.',
  },
} satisfies Family
