<?php
declare(strict_types=1);

/** Where Holdline tells what happens: HOLDLINE_WEBHOOK_URL=http://127.0.0.1:8000/hook.php */

require __DIR__ . '/holdline.php';
require __DIR__ . '/store.php';

$events = holdline_events(file_get_contents('php://input'), request_headers(), setting('HOLDLINE_WEBHOOK_SECRET'));
if ($events === null) {
    http_response_code(401);
    exit;
}

/** What the chat makes of one event: the new state, and what it answers to the room. */
function react(array $state, array $event): array
{
    ['room' => $room] = $event['data'];
    $message = $event['data']['message'] ?? null;
    $answer = null;
    if ($event['type'] === 'session.open') {
        $state['online'][$room][] = $event['data']['session'];
        $answer = 'Welcome! ' . count($state['online'][$room]) . ' here.';
    } elseif ($event['type'] === 'session.close') {
        $state['online'][$room] = array_values(array_diff($state['online'][$room] ?? [], [$event['data']['session']]));
    } elseif ($message !== null && isset($message['from'])) {
        // What this backend published itself has no `from`.
        $state['messages']++;
        $answer = ($message['data'] ?? null) === '/time' ? 'It is ' . gmdate('H:i') . ' UTC.' : null;
    }
    return [$state, $answer];
}

foreach ($events as $event) {
    $room = $event['data']['room'];
    $isDone = true;
    remember(function (array $state) use ($event, $room, &$isDone): ?array {
        // Told before, or late: ids of a room sort in the order of what they tell.
        if (strcmp($event['id'], $state['seen'][$room] ?? '') <= 0) {
            return null;
        }
        [$state, $answer] = react($state, $event);
        // Published before it is noted, and under the event's id: should this be cut short and told again, it is published once.
        $isDone = $answer === null || holdline_publish($room, $answer, "php:{$event['id']}");
        $state['seen'][$room] = $event['id'];
        return $isDone ? $state : null;
    });
    if (!$isDone) {
        // Holdline tells it again, and all that follows.
        http_response_code(503);
        exit;
    }
}
http_response_code(204);
