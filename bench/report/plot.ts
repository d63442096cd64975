/** A line of a plot. */
export interface Series {
  readonly label: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface Axis {
  readonly label: string
  readonly from: number
  readonly to: number
  readonly ticks: readonly number[]
}

export interface Plot {
  readonly title: string
  readonly description: string
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
  /** A level that is not to be crossed. */
  readonly bound?: number
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 400, 60, 200, 44, 48]
/** Light and dark, by series; told apart without colour by their marks. */
const COLOURS = [
  ['#0b6a5d', '#6cd3bf'],
  ['#2f5bb7', '#8fb2ff'],
  ['#b3541e', '#f0a070'],
  ['#8a3a8c', '#dd9be0'],
  ['#6b6b00', '#d0cf6a'],
  ['#a3213b', '#ff93a6'],
  ['#3f4a55', '#b5bec8'],
] as const

/** Both axes are logarithmic. */
export function plot({ title, description, x, y, series, bound }: Plot): string {
  const across = (value: number) => scale(value, x, LEFT, WIDTH - RIGHT)
  const up = (value: number) => scale(Math.min(value, y.to), y, HEIGHT - BOTTOM, TOP)
  const grid = [
    ...x.ticks.map(
      (tick) =>
        `<path class="grid" d="M${across(tick)} ${TOP}V${HEIGHT - BOTTOM}"/><text class="quiet" x="${across(tick)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${short(tick)}</text>`,
    ),
    ...y.ticks.map(
      (tick) =>
        `<path class="grid" d="M${LEFT} ${up(tick)}H${WIDTH - RIGHT}"/><text class="quiet" x="${LEFT - 8}" y="${up(tick) + 4}" text-anchor="end">${short(tick)}</text>`,
    ),
  ]
  const limit = bound === undefined ? [] : [`<path class="bound" d="M${LEFT} ${up(bound)}H${WIDTH - RIGHT}"/>`]
  const lines = series.map(({ label, points }, i) => {
    const at = points.map(([px, py]) => [across(px), up(py)] as const)
    const path = at.map(([px, py], n) => `${n === 0 ? 'M' : 'L'}${px} ${py}`).join('')
    const marks = at.map(([px, py]) => mark(i, px, py)).join('')
    const [lx, ly] = [WIDTH - RIGHT + 24, TOP + 12 + i * 22]
    return `<g class="s${i}"><path class="line" d="${path}"/>${marks}${mark(i, lx, ly - 4)}<text x="${lx + 12}" y="${ly}">${escaped(label)}</text></g>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="t d" font-family="system-ui, sans-serif" font-size="12">
  <title id="t">${escaped(title)}</title>
  <desc id="d">${escaped(description)}</desc>
  <style>
    text { fill: #1c1e20 } .quiet { fill: #5f6368 } .grid { stroke: #d9d7d2 } .line { fill: none; stroke-width: 2 }
    .bound { stroke: #a3213b; stroke-dasharray: 5 4 }
${COLOURS.map(([light], i) => `    .s${i} path, .s${i} .mark { stroke: ${light}; } .s${i} .mark { fill: ${light}; }`).join('\n')}
    @media (prefers-color-scheme: dark) {
      text { fill: #e9e7e3 } .quiet { fill: #a0a6ad } .grid { stroke: #3a3f45 } .bound { stroke: #ff93a6 }
${COLOURS.map(([, dark], i) => `      .s${i} path, .s${i} .mark { stroke: ${dark}; } .s${i} .mark { fill: ${dark}; }`).join('\n')}
    }
  </style>
  <text x="${LEFT}" y="24" font-size="15" font-weight="600">${escaped(title)}</text>
  ${[...grid, ...limit, ...lines].join('\n  ')}
  <text class="quiet" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${escaped(x.label)}</text>
  <text class="quiet" transform="translate(16 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${escaped(y.label)}</text>
</svg>
`
}

function scale(value: number, { from, to }: Axis, start: number, end: number): number {
  const share = Math.log(Math.max(value, from) / from) / Math.log(to / from)
  return Math.round((start + share * (end - start)) * 10) / 10
}

/** A disc, a square, a diamond, by turns. */
function mark(series: number, x: number, y: number): string {
  if (series % 3 === 0) return `<circle class="mark" cx="${x}" cy="${y}" r="3.5"/>`
  const turned = series % 3 === 2 ? ` transform="rotate(45 ${x} ${y})"` : ''
  return `<rect class="mark" x="${x - 3}" y="${y - 3}" width="6" height="6"${turned}/>`
}

function short(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`
  if (value >= 1e3) return `${value / 1e3} k`
  return String(value)
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
