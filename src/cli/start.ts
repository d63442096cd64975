import { type ServeOptions, serve } from '../node/serve.ts'
import { toOptions } from '../node/settings.ts'
import { checkSettings } from '../settings/read.ts'
import { fail, Misconfigured } from './fail.ts'

/** `npm start`, and what examples start with: a gateway with the settings of the environment. */
export async function start(options: Pick<ServeOptions, 'room'> = {}): Promise<void> {
  try {
    const { settings, wrong } = await checkSettings(process.env, 'node')
    if (wrong !== undefined) throw new Misconfigured(wrong)
    const gateway = await serve({ ...toOptions(settings), ...options })
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        console.log('Holdline sends everyone away and goes down.')
        gateway.close().then(() => process.exit(0))
      })
    }
    // Whoever was told that it runs may end it.
    console.log(`Holdline listens on ${gateway.url}\nOpen ${gateway.url}/ in two browser tabs and chat.`)
  } catch (error) {
    fail(error as Error)
  }
}

if (import.meta.main) await start()
