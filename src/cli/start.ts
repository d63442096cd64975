import { type ServeOptions, serve } from '../node/serve.ts'
import { settingsFrom } from '../node/settings.ts'

/** `npm start`, and what examples start with: a gateway with the settings of the environment. */
export async function start(options: Pick<ServeOptions, 'room'> = {}): Promise<void> {
  const gateway = await serve({ ...settingsFrom(process.env), ...options })
  console.log(`Holdline listens on ${gateway.url}\nOpen ${gateway.url}/ in two browser tabs and chat.`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      console.log('Holdline sends everyone away and goes down.')
      gateway.close().then(() => process.exit(0))
    })
  }
}

if (import.meta.main) {
  start().catch((error: Error) => {
    console.error(`Holdline did not start: ${error.message}`)
    process.exitCode = 1
  })
}
