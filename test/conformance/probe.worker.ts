/** The worker on a platform as it was before workerd 1.20261117: a socket does not tell what it holds. */
Object.defineProperty(WebSocket.prototype, 'bufferedAmount', { value: undefined })

export { default, RoomObject } from '../../src/cloudflare/worker.ts'
