import { WORKS, type Work } from '../plan.ts'
import { KINDS, type KindName } from '../servers/servers.ts'
import { columnsOf, FORMATS, format } from './formats.ts'
import type { Outcome } from './goals.ts'
import type { Row } from './row.ts'

const WIDTH = 13

/** Rows as they come, with a heading whenever the work is another. */
export function printer(print: (line: string) => void): (row: Row) => void {
  let last = ''
  return (row) => {
    const columns = columnsOf([row])
    if (row.work !== last) {
      print(`\n${row.work}: ${WORKS[row.work as Work]}`)
      print(
        line(
          '',
          'wanted/s',
          columns.map((name) => FORMATS[name][0]),
        ),
      )
      last = row.work
    }
    const label = KINDS[row.server as KindName].label.replaceAll('`', '')
    print(
      line(
        label,
        row.rate?.toLocaleString('en') ?? '',
        columns.map((name) => format(name, row.figures[name])),
      ),
    )
    for (const note of row.notes) print(`    ${note}`)
  }
}

const line = (label: string, rate: string, cells: readonly string[]): string =>
  `${label.padEnd(27)}${[rate, ...cells].map((cell) => cell.padStart(WIDTH)).join('')}`

export function summary(outcomes: readonly Outcome[]): string {
  const lines = outcomes.map(({ name, wanted, value, reached }) => {
    const verdict = reached === undefined ? '–' : reached ? 'reached' : 'NOT REACHED'
    return `${name.padEnd(78)} ${wanted.padStart(12)} ${(value ?? 'not measured').padStart(14)}  ${verdict}`
  })
  return `\n${'to reach, on one core'.padEnd(78)} ${'wanted'.padStart(12)} ${'measured'.padStart(14)}\n${lines.join('\n')}`
}
