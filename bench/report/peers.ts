import { WORKS, type Work } from '../plan.ts'
import { KINDS, type KindName } from '../servers/servers.ts'
import { type FigureName, FORMATS, format } from './formats.ts'
import type { Row } from './row.ts'

const LESS_IS_BETTER: readonly FigureName[] = ['p99', 'each', 'answer', 'memory', 'server', 'startup', 'seconds']
const isOurs = (server: string): boolean => KINDS[server as KindName].label.startsWith('Holdline')
/** Whom to compare with: the same runtime. */
const ours = (server: string): KindName => (server === 'partyserver' ? 'workerd' : 'node')

/** What each peer did better than Holdline did, at the same work and the same rate. */
export function behind(rows: readonly Row[]): readonly string[] {
  return rows
    .filter(({ server, held }) => !isOurs(server) && held)
    .flatMap((peer) => {
      const own = rows.find(
        ({ work, server, rate }) => work === peer.work && rate === peer.rate && server === ours(peer.server),
      )
      if (own === undefined || own.unsure || peer.unsure) return []
      const better = LESS_IS_BETTER.filter((name) => isLess(peer.figures[name], own.figures[name]))
      if (better.length === 0) return []
      const pairs = better.map(
        (name) => `${FORMATS[name][0]} ${format(name, peer.figures[name])} against ${format(name, own.figures[name])}`,
      )
      const rate = peer.rate === undefined ? '' : `, ${peer.rate.toLocaleString('en')}/s`
      return [`${KINDS[peer.server as KindName].label}, ${WORKS[peer.work as Work]}${rate}: ${pairs.join(', ')}`]
    })
}

const isLess = (a: number | undefined, b: number | undefined): boolean =>
  a !== undefined && b !== undefined && a < b * 0.97
