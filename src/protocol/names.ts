import { Refusal } from './errors.ts'

/** Patterns of all names (NAME-1, NAME-2), as sources, so that schemas and documents can carry them. */
export const PATTERNS = {
  // Not `.` and `..`: every URL parser takes them for steps in the path, so such a room could not be reached.
  room: '^(?!\\.{1,2}$)[A-Za-z0-9_.:~@-]{1,128}$',
  id: '^[!-~]{1,128}$',
  event: '^[A-Za-z0-9_.:-]{1,64}$',
  secret: '^[A-Za-z0-9_-]{22,128}$',
  session: '^[A-Za-z0-9_-]{1,64}$',
} as const

const compiled = Object.fromEntries(Object.entries(PATTERNS).map(([name, source]) => [name, new RegExp(source)])) as {
  [name in keyof typeof PATTERNS]: RegExp
}

export const isName = (kind: keyof typeof PATTERNS, text: string): boolean => compiled[kind].test(text)

/** @throws Refusal `bad_room` */
export function roomName(text: string): string {
  if (!isName('room', text)) {
    throw new Refusal('bad_room', 'A room name is 1 to 128 of A-Z a-z 0-9 _ . : ~ @ - and neither . nor ..')
  }
  return text
}
