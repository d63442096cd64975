/**
 * Who counts as one address (LIMIT-3): of IPv6 a /64, since whoever has one address of it has them all (RFC 6177: no
 * site gets less). Mapped IPv4 is none of these.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail = ''] = address.split('::')
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const [front, back] = [groups(head), groups(tail)]
  const missing = address.includes('::') ? 8 - front.length - back.length - (tail.includes('.') ? 1 : 0) : 0
  const all = [...front, ...Array<string>(Math.max(missing, 0)).fill('0'), ...back]
  const network = all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return network.every((group) => group === '0') ? address : `${network.join(':')}::/64`
}
