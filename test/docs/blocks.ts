import { snippets } from './snippets.ts'

const inLanguage = (language: string, pattern: RegExp) =>
  snippets.filter((snippet) => snippet.language === language && pattern.test(snippet.code))

/** What readers copy, by what is done with it: each of them stands in one of the tests beside this. */
export const blocks = {
  curl: inLanguage('sh', /^curl/m),
  nc: inLanguage('sh', /\| nc /),
  holdline: inLanguage('sh', /^(?:export HOLDLINE_JWT|seq|holdline) /m),
  scripts: inLanguage('sh', /^npm run |^npm ci && npm /),
  starts: inLanguage('sh', /^.*npm start$/m),
  sqlite3: inLanguage('sh', /^sqlite3 /),
  wrangler: inLanguage('sh', /^npx wrangler /),
  php: inLanguage('php', /^<\?php/),
  json: inLanguage('json', /./),
  vars: inLanguage('toml', /^\[vars\]/),
  worker: inLanguage('toml', /^main = /),
  scrapes: inLanguage('yaml', /^scrape_configs:/),
  browser: inLanguage('js', /new (WebSocket|EventSource)/),
  client: ['js', 'ts'].flatMap((language) => inLanguage(language, /from 'holdline\/client'/)),
  applications: inLanguage('ts', /extends Room/),
  types: inLanguage('ts', /./),
  /** What a wrong start says; `made` by what says it. */
  made: snippets.filter(({ page, language }) => page === 'docs/configuration.md' && language === 'text'),
}

/** Languages that have a test file of their own. */
export const ELSEWHERE: Record<string, string> = {
  nginx: 'docs/proxies.test.ts',
  haproxy: 'docs/proxies.test.ts',
  ini: 'docs/systemd.test.ts',
}
