import { percent } from './row.ts'

const whole = (value: number): string => (Number.isFinite(value) ? Math.round(value).toLocaleString('en') : '–')
const milliseconds = (value: number): string => (Number.isFinite(value) ? value.toFixed(1) : 'never')
const micro = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0))
const kilo = (value: number): string => (value / 1000).toFixed(1)

/** Every figure: what it is called in a table, and how it is written. */
export const FORMATS = {
  deliveries: ['deliveries/s', whole],
  publishes: ['publishes/s', whole],
  answers: ['answers/s', whole],
  connects: ['connects/s', whole],
  seconds: ['seconds', (value: number) => value.toFixed(2)],
  p50: ['p50 ms', milliseconds],
  p99: ['p99 ms', milliseconds],
  p999: ['p99.9 ms', milliseconds],
  each: ['µs each', micro],
  answer: ['µs an answer', micro],
  server: ['server', percent],
  generator: ['generator', percent],
  late: ['late ms', milliseconds],
  lost: ['lost', whole],
  disorder: ['disorder', whole],
  refused: ['refused', whole],
  memory: ['kB each', kilo],
  startup: ['ms', whole],
  bytes: ['kB', kilo],
  gzipped: ['kB gzipped', kilo],
} as const satisfies Record<string, readonly [string, (value: number) => string]>

export type FigureName = keyof typeof FORMATS

/** In nobody's way while they are nothing. */
const QUIET: readonly FigureName[] = ['late', 'lost', 'disorder', 'refused']

/** The columns that rows of one work need. */
export function columnsOf(rows: readonly { readonly figures: Partial<Record<FigureName, number>> }[]): FigureName[] {
  return (Object.keys(FORMATS) as FigureName[]).filter(
    (name) => !QUIET.includes(name) && rows.some(({ figures }) => name in figures),
  )
}

export const format = (name: FigureName, value: number | undefined): string =>
  value === undefined ? '' : FORMATS[name][1](value)
