// A room as partyserver's README has it: a message goes to all others of the room, and the room may sleep meanwhile.
import { routePartykitRequest, Server } from 'partyserver'

export class Main extends Server {
  static options = { hibernate: true }

  onMessage(connection, message) {
    this.broadcast(message, [connection.id])
  }

  onRequest() {
    return Response.json({ connections: { websocket: [...this.getConnections()].length } })
  }
}

export default {
  fetch: async (request, env) => (await routePartykitRequest(request, env)) ?? new Response('', { status: 404 }),
}
