import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function run(command: string, ...words: string[]): string | undefined {
  try {
    return execFileSync(command, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return undefined
  }
}

const TICK = 1000 / Number(run('getconf', 'CLK_TCK') ?? 100)

/** Fields of /proc/<pid>/stat from the third on; the second is a name, which may hold spaces and parentheses. */
const stat = (pid: number): string[] =>
  text(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ')

/** Milliseconds of CPU that all threads of a process have used. */
export const cpuOf = (pid: number): number => (Number(stat(pid)[11]) + Number(stat(pid)[12])) * TICK

/** Milliseconds that a core has spent on processes of any kind, or that the hypervisor has taken from it. */
export function coreBusy(core: number): number {
  const line = new RegExp(`^cpu${core} (.*)$`, 'm').exec(text('/proc/stat'))?.[1]?.split(' ') ?? []
  return (Number(line[0]) + Number(line[1]) + Number(line[2]) + Number(line[7])) * TICK
}

export function descendants(pid: number): { pid: number; name: string }[] {
  const parents = new Map<number, { pid: number; name: string }[]>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const child = { pid: Number(entry), name: text(`/proc/${entry}/comm`).trim() }
    const parent = Number(stat(child.pid)[1])
    parents.set(parent, [...(parents.get(parent) ?? []), child])
  }
  const found = [...(parents.get(pid) ?? [])]
  for (const child of found) found.push(...(parents.get(child.pid) ?? []))
  return found
}

export interface Cores {
  server: number
  generator: number
}

/** The two cores to use, or undefined where nothing can be pinned: figures are then of a shared machine, and say so. */
export function pickCores(): Cores | undefined {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(text('/proc/self/status'))?.[1] ?? ''
  const cores = list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number)
    return first === undefined ? [] : Array.from({ length: (last as number) - first + 1 }, (_, i) => first + i)
  })
  if (cores.length < 2 || run('taskset', '--version') === undefined) return undefined
  return { server: cores[0] as number, generator: cores[1] as number }
}

export function pinSelf(core: number): void {
  run('taskset', '-a', '-cp', String(core), String(process.pid))
}

/** Bytes of memory that a process has. */
export const memoryOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(text(`/proc/${pid}/status`))?.[1] ?? 0) * 1024
