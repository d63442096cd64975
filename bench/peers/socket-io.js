// Rooms as Socket.IO's documentation has them: a message goes to all others of its sender's room. Compression is off, as
// it is by default.
import { createServer } from 'node:http'
import { Server } from 'socket.io'

const server = createServer((_, response) => response.end())
const io = new Server(server, { serveClient: false })

io.on('connection', (socket) => {
  const { room } = socket.handshake.query
  socket.join(room)
  socket.on('say', (text) => socket.to(room).emit('said', text))
  socket.emit('joined')
})

server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`Socket.IO: http://127.0.0.1:${server.address().port}`)
})
process.on('SIGTERM', () => process.exit())
