/** Policies by page: a page is text that never changes. */
const policies = new Map<string, Promise<string>>()

/** A page of one file, which loads nothing from elsewhere: no script runs in it but its own, whatever it shows. */
export async function page(html: string): Promise<Response> {
  let policy = policies.get(html)
  if (policy === undefined) {
    policy = policyOf(html)
    policies.set(html, policy)
  }
  return new Response(html, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      // Asked for anew each time, so that a deploy is seen.
      'cache-control': 'no-cache',
      'content-security-policy': await policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    },
  })
}

async function policyOf(html: string): Promise<string> {
  const [scripts, styles] = await Promise.all([hashes(html, 'script'), hashes(html, 'style')])
  return `default-src 'none'; script-src ${scripts}; style-src ${styles}; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
}

/** What stands inline in those elements, as a policy names it. */
async function hashes(html: string, element: 'script' | 'style'): Promise<string> {
  const found = html.matchAll(new RegExp(`<${element}\\b[^>]*>([\\s\\S]*?)</${element}>`, 'g'))
  const all = [...found].map(async ([, text = '']) => {
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
    return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`
  })
  return (await Promise.all(all)).join(' ')
}
