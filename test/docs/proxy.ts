import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../targets/target.ts'

/** The name in the configurations, and so in the certificate. */
export const NAME = 'rt.example.com'

export type Kind = 'nginx' | 'haproxy'

// Debian keeps daemons where only root looks.
const PATHS = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }
const hasOne = (kind: Kind): boolean => spawnSync(kind, ['-v'], { env: PATHS }).status === 0

/** The real thing, installed if it is missing and we may. @throws Error that says how */
export function needProxy(kind: Kind): void {
  if (hasOne(kind)) return
  try {
    // Level 1 is maintenance: the package starts no service of its own.
    const env = { ...process.env, RUNLEVEL: '1', DEBIAN_FRONTEND: 'noninteractive' }
    execFileSync('apt-get', ['update'], { stdio: 'pipe' })
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', kind], { stdio: 'pipe', env })
  } catch (error) {
    throw new Error(`These tests need ${kind}: apt-get install ${kind} (as root)`, { cause: error })
  }
}

export interface RunningProxy {
  readonly port: number
  /** Whom clients must trust. */
  readonly certificate: Buffer
  stop(): Promise<void>
}

/** What must differ from the page, such as ports and where the certificate lies. All else runs as it stands there. */
function adapt(code: string, changes: readonly (readonly [was: string, is: string])[]): string {
  return changes.reduce((text, [was, is]) => {
    if (!text.includes(was)) throw new Error(`the configuration does not say ${was}`)
    return text.replaceAll(was, is)
  }, code)
}

const ARGUMENTS: Record<Kind, (file: string) => string[]> = {
  nginx: (file) => ['-e', 'stderr', '-c', file],
  haproxy: (file) => ['-db', '-f', file],
}

const CONFIGURATION: Record<Kind, (code: string, folder: string, port: number, gateway: string) => string> = {
  nginx(code, folder, port, gateway) {
    const site = adapt(code, [
      ['listen 443', `listen 127.0.0.1:${port}`],
      ['127.0.0.1:8787', gateway],
      ['/etc/ssl/holdline', folder],
    ])
    const stores = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `${of}_temp_path ${folder}/${of};`)
    const user = process.getuid?.() === 0 ? 'user root;\n' : ''
    return `${user}daemon off;\npid ${folder}/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${stores.join('\n')}\n${site}}\n`
  },
  haproxy: (code, folder, port, gateway) =>
    adapt(code, [
      ['bind :443', `bind 127.0.0.1:${port}`],
      ['127.0.0.1:8787', gateway],
      // Here nobody may raise the number of open files that far.
      ['maxconn 20000', 'maxconn 100'],
      ['/etc/haproxy/holdline.pem', `${folder}/both.pem`],
    ]),
}

/** Runs a configuration from the docs on loopback, before the gateway at that url. */
export async function startProxy(kind: Kind, code: string, port: number, gateway: string): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), `holdline-${kind}-`))
  const at = (name: string) => join(folder, name)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at('key.pem')]
  const names = ['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME}`]
  execFileSync('openssl', ['req', '-x509', '-days', '2', ...key, ...names, '-out', at('fullchain.pem')], {
    stdio: 'pipe',
  })
  const certificate = readFileSync(at('fullchain.pem'))
  writeFileSync(at('both.pem'), Buffer.concat([certificate, readFileSync(at('key.pem'))]))
  writeFileSync(at('configuration'), CONFIGURATION[kind](code, folder, port, new URL(gateway).host))

  const child = spawn(kind, ARGUMENTS[kind](at('configuration')), { stdio: ['ignore', 'pipe', 'pipe'], env: PATHS })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data))
  const gone = once(child, 'exit')
  const stop = async (): Promise<void> => {
    // nginx has workers, and takes them along on SIGTERM.
    child.kill('SIGTERM')
    await gone
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await eventually(`${kind} listens`, async () => {
      if (child.exitCode !== null) throw new Error(`${kind} ended with ${child.exitCode}: ${said}`)
      return listens(port)
    })
  } catch (error) {
    await stop()
    throw error
  }
  return { port, certificate, stop }
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  }).finally(() => socket.destroy()) as Promise<boolean>
}
