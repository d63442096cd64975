// nginx with nchan, as its README has it: one worker, channels in shared memory, messages kept for who comes late.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { NCHAN } from './servers.ts'

const [folder = '.'] = process.argv.slice(2)

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

const port = await freePort()
const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
writeFileSync(
  join(folder, 'nginx.conf'),
  `load_module ${NCHAN};
worker_processes 1;
worker_rlimit_nofile 20000;
daemon off;
pid ${folder}/pid;
error_log stderr warn;
events { worker_connections 20000; multi_accept on; }
http {
  access_log off;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  nchan_shared_memory_size 512M;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location ~ ^/pub/(.+)$ { nchan_publisher; nchan_channel_id $1; nchan_message_buffer_length 1000; }
    location ~ ^/sub/(.+)$ { nchan_subscriber websocket; nchan_channel_id $1; nchan_subscriber_first_message newest; }
    location ~ ^/sse/(.+)$ { nchan_subscriber eventsource; nchan_channel_id $1; nchan_subscriber_first_message newest; }
    location ~ ^/poll/(.+)$ { nchan_subscriber longpoll; nchan_channel_id $1; nchan_subscriber_first_message newest; }
    location /healthz { return 200; }
  }
}
`,
)
const nginx = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-e', 'stderr'], { stdio: 'inherit' })
console.log(`nginx with nchan: http://127.0.0.1:${port}`)
nginx.once('exit', (code) => process.exit(code ?? 0))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => nginx.kill('SIGTERM'))
