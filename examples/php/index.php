<?php
declare(strict_types=1);

require __DIR__ . '/holdline.php';
require __DIR__ . '/store.php';

$state = remember(fn (array $state): ?array => null);
$socket = preg_replace('/^http/', 'ws', setting('HOLDLINE', 'http://127.0.0.1:8787')) . '/v1/rooms/php/ws?rewind=20';
?>
<!doctype html>
<meta charset="utf-8">
<title>A chat in plain PHP</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem }
  li { list-style: none }
</style>
<h1>A chat in plain PHP</h1>
<p><?= count($state['online']['php'] ?? []) ?> were here when this page was made; <?= $state['messages'] ?> messages so far. Try <code>/time</code>.</p>
<ul id="messages" aria-live="polite"></ul>
<form id="form"><input id="text" aria-label="Message" autocomplete="off" autofocus> <button>Send</button></form>
<p><button id="by-php">Send through PHP</button></p>
<script>
  // No library: on a plain connection each message is what somebody sent.
  const socket = new WebSocket(<?= json_encode($socket, JSON_HEX_TAG) ?>)
  const text = document.getElementById('text')
  const show = (line) => {
    const item = document.createElement('li')
    item.textContent = line
    document.getElementById('messages').append(item)
  }
  socket.onmessage = ({ data }) => show(data)
  document.getElementById('form').onsubmit = (event) => {
    event.preventDefault()
    socket.send(text.value)
    show(text.value)
    text.value = ''
  }
  document.getElementById('by-php').onclick = async () => {
    await fetch('send.php', { method: 'POST', body: new URLSearchParams({ text: text.value }) })
    text.value = ''
  }
</script>
