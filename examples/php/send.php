<?php
declare(strict_types=1);

/** A form posts here; this posts to Holdline. That is all that a backend does to reach everyone. */

require __DIR__ . '/holdline.php';

$text = trim((string) ($_POST['text'] ?? ''));
$sent = $text !== '' && characters($text) <= 1000 && holdline_publish('php', $text);
http_response_code($sent ? 204 : 400);

/** Characters, without the mbstring extension. */
function characters(string $text): int
{
    return preg_match_all('/./su', $text) ?: PHP_INT_MAX;
}
