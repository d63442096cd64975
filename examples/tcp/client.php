<?php
declare(strict_types=1);

/**
 * A client of one room over raw TCP, with PHP's sockets and nothing else. Run from a terminal, it says what it is given
 * and prints what is said, and comes back with its cursor when it is cut off:
 *
 *     php client.php ROOM "what to say" 10
 */

[, $room, $text, $count] = $argv + [1 => 'lobby', 'hello', '10'];
$host = getenv('HOLDLINE_TCP_HOST') ?: '127.0.0.1';
$port = (int) (getenv('HOLDLINE_TCP_PORT') ?: 8788);
$id = bin2hex(random_bytes(16));
// A secret of its own keeps it the same session when it comes back, and so the id its own.
$session = ['room' => $room, 'resume' => bin2hex(random_bytes(16))];
$cursor = null;
$left = (int) $count;

while ($left > 0) {
    $socket = socket_create(AF_INET, SOCK_STREAM, SOL_TCP);
    $wait = 1.0;
    if (@socket_connect($socket, $host, $port)) {
        send($socket, ['op' => 'open'] + $session + ($cursor === null ? [] : ['cursor' => $cursor]));
        // Under one id it is published once, however often it is sent.
        send($socket, ['op' => 'publish', 'id' => $id, 'data' => ['text' => $text]]);
        foreach (events($socket) as $event) {
            $cursor = match ($event['type']) {
                'message', 'cursor' => $event['cursor'] ?? $cursor,
                'welcome' => $event['cursor'],
                'gap' => $event['before'],
                default => $cursor,
            };
            if ($event['type'] === 'message') {
                echo json_encode($event['data'] ?? null, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES), "\n";
                if (--$left === 0) {
                    break;
                }
            }
            if ($event['type'] === 'closing') {
                if (!isset($event['retryAfter'])) {
                    fwrite(STDERR, "{$event['code']} {$event['reason']}\n");
                    exit(1);
                }
                $wait = $event['retryAfter'];
            }
        }
    }
    socket_close($socket);
    if ($left > 0) {
        usleep((int) ($wait * 1_000_000));
    }
}

/** Writes one line, however many pieces the system takes it in. */
function send(Socket $socket, array $operation): void
{
    $line = json_encode($operation, JSON_THROW_ON_ERROR) . "\n";
    while ($line !== '') {
        $sent = @socket_write($socket, $line);
        if ($sent === false) {
            return;
        }
        $line = substr($line, $sent);
    }
}

/** Reads events until the other side ends. A line may come in pieces, and pieces may hold several. */
function events(Socket $socket): Generator
{
    $begun = '';
    while (($piece = @socket_read($socket, 65536)) !== false && $piece !== '') {
        $lines = explode("\n", $begun . $piece);
        $begun = array_pop($lines);
        foreach ($lines as $line) {
            yield json_decode($line, true, 512, JSON_THROW_ON_ERROR);
        }
    }
}
