<?php
declare(strict_types=1);

/**
 * What this chat remembers, in one JSON file: plain enough for an example. A real one has a database.
 * One request at a time changes it; `$change` returns the new state, or null to leave it.
 */
function remember(callable $change): array
{
    $path = setting('CHAT_FILE', sys_get_temp_dir() . '/holdline-chat.json');
    $lock = fopen("$path.lock", 'c');
    flock($lock, LOCK_EX);
    $state = json_decode((string) @file_get_contents($path), true) ?? ['seen' => [], 'online' => [], 'messages' => 0];
    $changed = $change($state);
    if ($changed !== null) {
        // Another name first: whoever reads the file sees all of it.
        file_put_contents("$path.new", json_encode($changed, JSON_PRETTY_PRINT));
        rename("$path.new", $path);
    }
    fclose($lock);
    return $changed ?? $state;
}
