import { isMainThread, parentPort, workerData } from 'node:worker_threads'

/**
 * Loaded into a gateway by `--import`: its thread that writes dies of an uncaught exception when it comes upon one of
 * these words, before it has written, before it has said so, or when the answer is on its way. Another makes it slow.
 */
type Listener = (request: unknown) => void

const own = workerData as { readonly holdline?: unknown } | null
if (!isMainThread && parentPort !== null && own?.holdline !== undefined) {
  const port = parentPort
  const { on } = port
  port.on = (event, listener) => on.call(port, event, event === 'message' ? mortal(listener as Listener) : listener)
}

function mortal(listener: Listener): Listener {
  return (request) => {
    const text = JSON.stringify(request)
    if (text.includes('waits')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000)
    if (text.includes('dies-unwritten')) throw new Error('made to die before it writes')
    if (text.includes('dies-unsaid') && parentPort !== null) parentPort.postMessage = () => {}
    listener(request)
    if (text.includes('dies-unsaid')) throw new Error('made to die before it says so')
    if (text.includes('dies-later')) setImmediate(() => died('made to die when it has said so'))
  }
}

function died(why: string): never {
  throw new Error(why)
}
