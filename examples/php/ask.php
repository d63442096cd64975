<?php
declare(strict_types=1);

/** Where Holdline asks what may be said: HOLDLINE_ASK_URL=http://127.0.0.1:8000/ask.php HOLDLINE_ASK_MESSAGE='*' */

require __DIR__ . '/holdline.php';

$question = holdline_events(file_get_contents('php://input'), request_headers(), setting('HOLDLINE_WEBHOOK_SECRET'));
if ($question === null) {
    http_response_code(401);
    exit;
}

/** Nothing: it may be said as it is. */
function judge(mixed $said): array
{
    if (!is_string($said)) {
        return [];
    }
    if (stripos($said, 'buy now') !== false) {
        return ['refuse' => 'No advertising here.'];
    }
    $clean = preg_replace('/\bdarn\b/iu', '****', $said);
    return $clean === $said ? [] : ['data' => $clean];
}

header('content-type: application/json');
echo json_encode((object) judge($question['data']['message']['data'] ?? null), JSON_THROW_ON_ERROR);
