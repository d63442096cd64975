<?php
declare(strict_types=1);

/** What plain PHP needs to work with Holdline: verify what it tells, and publish. Nothing but the curl extension. */

/** A setting of this example. */
function setting(string $name, string $default = ''): string
{
    $value = getenv($name);
    return $value === false || $value === '' ? $default : $value;
}

/**
 * The events of a request that Holdline has signed (Standard Webhooks), or null if it has not.
 *
 * @param array<string, string> $headers by lower-case name
 * @return list<array<string, mixed>>|null
 */
function holdline_events(string $body, array $headers, string $secrets): ?array
{
    $id = $headers['webhook-id'] ?? '';
    $time = $headers['webhook-timestamp'] ?? '';
    // Older than five minutes: somebody may have kept it to send it again.
    if (!ctype_digit($time) || abs(time() - (int) $time) > 300) {
        return null;
    }
    foreach (explode(',', $secrets) as $secret) {
        $key = base64_decode(preg_replace('/^whsec_/', '', trim($secret)), true);
        if ($key === false || strlen($key) < 24) {
            continue;
        }
        $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$time.$body", $key, true));
        foreach (explode(' ', $headers['webhook-signature'] ?? '') as $signature) {
            if (hash_equals($expected, $signature)) {
                return json_decode($body, true);
            }
        }
    }
    return null;
}

/** Publishes to a room. The id makes it safe to try again: the same id is published once. */
function holdline_publish(string $room, mixed $data, ?string $id = null): bool
{
    $message = ['data' => $data] + ($id === null ? [] : ['id' => $id]);
    $curl = curl_init(setting('HOLDLINE', 'http://127.0.0.1:8787') . '/v1/rooms/' . rawurlencode($room) . '/messages');
    $headers = ['content-type: application/json'];
    if (setting('HOLDLINE_KEY') !== '') {
        $headers[] = 'authorization: Bearer ' . setting('HOLDLINE_KEY');
    }
    curl_setopt_array($curl, [
        CURLOPT_POST => true,
        CURLOPT_POSTFIELDS => json_encode($message, JSON_THROW_ON_ERROR),
        CURLOPT_HTTPHEADER => $headers,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 3,
    ]);
    curl_exec($curl);
    $status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
    return $status >= 200 && $status < 300;
}

/** The request's headers by lower-case name, under any server. */
function request_headers(): array
{
    $headers = [];
    foreach ($_SERVER as $name => $value) {
        if (str_starts_with($name, 'HTTP_')) {
            $headers[str_replace('_', '-', strtolower(substr($name, 5)))] = $value;
        }
    }
    return $headers;
}
