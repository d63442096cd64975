import { setTimeout as after } from 'node:timers/promises'
import type { ServeOptions } from '../node/serve.ts'
import { flushCompiled, keepCompiled } from './compiled.ts'
import { fail, Misconfigured } from './fail.ts'

/** How long the last lines of the log have to be written (ms). */
const FLUSH = 500

/** `npm start`, and what examples start with: a gateway with the settings of the environment. */
export async function start(options: Pick<ServeOptions, 'room'> = {}): Promise<void> {
  try {
    keepCompiled()
    const [{ openLog }, { serve }, { toOptions }, { checkSettings }] = await Promise.all([
      import('../node/log.ts'),
      import('../node/serve.ts'),
      import('../node/settings.ts'),
      import('../settings/read.ts'),
    ])
    const { settings, wrong } = await checkSettings(process.env, 'node')
    if (wrong !== undefined) throw new Misconfigured(wrong)
    const { tell, written } = openLog(settings.logging)
    const gateway = await serve({ tell, ...toOptions(settings), ...options })
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        // A log that is stuck must not keep it from ending.
        const told = () => Promise.race([written(), after(FLUSH, undefined, { ref: false })])
        gateway
          .close()
          .then(told)
          .then(() => process.exit(0))
      })
    }
    // Whoever was told that it runs may end it.
    if (!process.stderr.isTTY) tell('info', 'The gateway listens', { url: gateway.url, pid: process.pid })
    const also = gateway.tcp === undefined ? '' : ` and ${gateway.tcp}`
    console.log(`Holdline listens on ${gateway.url}${also}\nOpen ${gateway.url}/ in two browser tabs and chat.`)
    setImmediate(flushCompiled)
  } catch (error) {
    fail(error as Error)
  }
}

if (import.meta.main) await start()
