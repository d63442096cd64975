import { elementTexts, memberText } from '../../protocol/json.ts'
import { LIMITS } from '../../protocol/limits.ts'
import { Api } from '../api.ts'
import { print } from '../output.ts'
import { note, paint, shown } from '../terminal.ts'
import { type WhereOptions, where } from '../where.ts'

export interface PeopleOptions extends WhereOptions {
  readonly json?: true
}

/** `holdline presence`: who is here. @throws Fault */
export async function presence(room: string, options: PeopleOptions): Promise<void> {
  const text = await new Api(where(options)).get(room, '/presence')
  const members = elementTexts(memberText(text, 'members') ?? '[]')
  await table(members, ['session', 'user', 'state'], options)
  const { count } = JSON.parse(text) as { count: number }
  if (count > members.length) note(`${count} are here; these are a sample`)
}

/** `holdline who`: all sessions, also those that are not present. @throws Fault */
export async function who(room: string, options: PeopleOptions): Promise<void> {
  const api = new Api(where(options))
  const sessions: string[] = []
  for (let after = ''; ; ) {
    const text = await api.get(room, '/sessions', { after: after || undefined, limit: LIMITS.historyMost })
    const page = elementTexts(memberText(text, 'sessions') ?? '[]')
    sessions.push(...page)
    const { next } = JSON.parse(text) as { next: string | null }
    if (page.length === 0 || next === null || next === after) break
    after = next
  }
  await table(sessions, ['session', 'user', 'connections', 'present', 'state'], options)
}

/** Objects, as JSON a line; or in columns, under a head that only a terminal gets. */
async function table(rows: readonly string[], columns: readonly string[], { json }: PeopleOptions): Promise<void> {
  if (json) {
    for (const row of rows) await print(row)
    return
  }
  const cells = rows.map((row) => columns.map((name) => cellOf(memberText(row, name))))
  const all = process.stdout.isTTY ? [columns, ...cells] : cells
  const widths = columns.map((_, i) => Math.max(...all.map((row) => (row[i] as string).length), 0))
  for (const [number, row] of all.entries()) {
    const line = row
      .map((cell, i) => cell.padEnd(widths[i] as number))
      .join('  ')
      .trimEnd()
    await print(process.stdout.isTTY && number === 0 ? paint(process.stdout, 'bold', line) : line)
  }
}

/** `-` is what is not there; texts bare, lists joined, all else as JSON. */
function cellOf(text: string | undefined): string {
  if (text === undefined) return '-'
  const value: unknown = JSON.parse(text)
  if (typeof value === 'string') return shown(process.stdout, value)
  return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value.join(',') || '-' : text
}
