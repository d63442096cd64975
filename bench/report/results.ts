import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, release } from 'node:os'
import type { Cores } from '../machine/cpu.ts'
import type { Row } from './row.ts'

/** Of one run: where, when, with what, and all that came of it. */
export interface Results {
  readonly date: string
  readonly machine: { readonly cpu: string; readonly cores: number; readonly system: string; readonly pinned: boolean }
  readonly versions: Readonly<Record<string, string>>
  readonly rows: readonly Row[]
  /** What was not measured, and why. */
  readonly missing: readonly string[]
}

export function about(cores: Cores | undefined): Pick<Results, 'date' | 'machine' | 'versions'> {
  const all = cpus()
  const machine = {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    system: `${process.platform} ${release()}`,
    pinned: cores !== undefined,
  }
  return { date: new Date().toISOString().slice(0, 10), machine, versions: versions() }
}

function versions(): Record<string, string> {
  const here = createRequire(import.meta.url)
  const peers = createRequire(new URL('../peers/package.json', import.meta.url))
  const found = {
    node: process.version.slice(1),
    workerd: packageVersion(here, 'workerd'),
    ws: packageVersion(here, 'ws'),
    'socket.io': packageVersion(peers, 'socket.io'),
    partyserver: packageVersion(peers, 'partyserver'),
    nginx: /nginx\/(\S+)/.exec(said('nginx', '-v'))?.[1],
    nchan: /^Version: (?:\d+:)?(\S+)/m.exec(said('dpkg', '-s', 'libnginx-mod-nchan'))?.[1],
  }
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** By its file: packages need not export it. */
function packageVersion(from: NodeJS.Require, name: string): string | undefined {
  for (const folder of from.resolve.paths(name) ?? []) {
    try {
      return (JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')) as { version: string }).version
    } catch {
      // In another folder, or nowhere.
    }
  }
  return undefined
}

function said(command: string, ...words: string[]): string {
  try {
    return execFileSync('sh', ['-c', '"$@" 2>&1', 'sh', command, ...words], { encoding: 'utf8' })
  } catch {
    return ''
  }
}
