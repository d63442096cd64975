/** `{user}` stands for the whole of a name's part: with a `:` it could reach into what belongs to another. */
const USER = /^[A-Za-z0-9_.~@-]+$/

/**
 * Does a room pattern of a token open this room (AUTH-4)? `*` stands for any text, none included, `{user}` for the
 * token's user, and all else for itself. Nothing of it becomes a regular expression, so no pattern takes long.
 */
export function opens(pattern: string, room: string, user: string | undefined): boolean {
  if (pattern.includes('{user}') && (user === undefined || !USER.test(user))) return false
  // The function: in a replacement text, `$` would mean something.
  const [first = '', ...others] = pattern.split('*').map((part) => part.replaceAll('{user}', () => user ?? ''))
  const last = others.pop()
  if (last === undefined) return room === first
  if (!room.startsWith(first) || !room.endsWith(last)) return false
  let at = first.length
  for (const part of others) {
    const found = room.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at + last.length <= room.length
}
