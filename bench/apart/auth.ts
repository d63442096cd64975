import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { cpus } from 'node:os'
import { SignJWT } from 'jose'

/** What verifying a token costs a publish over HTTP: one server, one core, with and without. */
const SECRET = 'a secret that only this bench knows, and long enough'
const SECONDS = 6
const ROOM = '/v1/rooms/bench/messages'

async function measure(env: Record<string, string>, headers: Record<string, string>): Promise<number> {
  const child = spawn(process.execPath, ['src/cli/start.ts'], {
    env: {
      ...process.env,
      ...env,
      HOST: '127.0.0.1',
      PORT: '0',
      HOLDLINE_DATA: ':memory:',
      HOLDLINE_USER_RATE: '1000000',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [said] = (await once(child.stdout, 'data')) as [Buffer]
    const url = /http:\S+:\d+/.exec(`${said}`)?.[0] as string
    const agent = new Agent({ keepAlive: true, maxSockets: 32 })
    let done = 0
    const post = () =>
      new Promise<void>((resolve, reject) => {
        const sent = request(url + ROOM, {
          method: 'POST',
          agent,
          headers: { ...headers, 'content-type': 'text/plain' },
        })
        sent.on('error', reject)
        sent.on('response', (response) => {
          if (response.statusCode !== 201) reject(new Error(`answered with ${response.statusCode}`))
          response.resume().on('end', () => {
            done++
            resolve()
          })
        })
        sent.end('x')
      })
    const end = Date.now() + (SECONDS + 1) * 1000
    const loop = async () => {
      while (Date.now() < end) await post()
    }
    const loops = Promise.all(Array.from({ length: 32 }, loop))
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const [before, cpu] = [done, cpuOf(child.pid as number)]
    const [before2] = [await cpu]
    await loops
    const used = (await cpuOf(child.pid as number)) - before2
    agent.destroy()
    console.log(`    ${Math.round((done - before) / SECONDS)}/s at ${Math.round((used / SECONDS) * 100)} % of a core`)
    return (done - before) / used
  } finally {
    child.kill('SIGKILL')
  }
}

/** Seconds of CPU that a process has used. */
async function cpuOf(pid: number): Promise<number> {
  const { readFile } = await import('node:fs/promises')
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const token = await new SignJWT({ sub: 'ada', rooms: { bench: ['publish'] } })
  .setProtectedHeader({ alg: 'HS256' })
  .setIssuedAt()
  .setExpirationTime('1h')
  .sign(new TextEncoder().encode(SECRET))

console.log(`${cpus()[0]?.model}, Node ${process.version}`)
for (const [name, env, headers] of [
  ['without', {}, {}],
  ['with a token (HS256)', { HOLDLINE_JWT_SECRET: SECRET }, { authorization: `Bearer ${token}` }],
  [
    'with an API key',
    { HOLDLINE_API_KEYS: SECRET.replaceAll(/[ ,]/g, '-') },
    { authorization: `Bearer ${SECRET.replaceAll(/[ ,]/g, '-')}` },
  ],
] as const) {
  console.log(name)
  console.log(`    ${Math.round(await measure(env, headers))} publishes per second of CPU`)
}
