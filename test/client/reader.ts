import { read } from './reading.ts'

/** A process that reads: by Node, Deno or Bun. `argv`: the task. */
const { log } = console
const [task = ''] = process.argv.slice(2)
log(JSON.stringify(await read(JSON.parse(task))))
process.exit()
