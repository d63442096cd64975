import { note, paint, shown } from '../terminal.ts'

/** The data of a message as one line: text as it is, its line breaks escaped; other JSON as JSON; bytes as base64. */
export function lineOf(data: string): string {
  const line = data.startsWith('"')
    ? (JSON.parse(data) as string).replace(/[\r\n]/g, (end) => BREAKS[end] as string)
    : data
  return shown(process.stdout, line)
}

const BREAKS: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n' }

/** Which room it is of stands before it where there are several. */
export const ofRoom = (room: string, line: string): string => `${paint(process.stdout, 'cyan', room)}\t${line}`

export function noteGap(
  room: string,
  { after, before, reason }: { after: string; before: string; reason: string },
): void {
  note(`gap in ${room}: what stood between ${after} and ${before} cannot be recovered (${reason})`)
}
