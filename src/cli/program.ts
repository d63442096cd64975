import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { LIMITS } from '../protocol/limits.ts'
import { client } from '../settings/client.ts'
import { EXIT } from './exit.ts'
import { duration, grant, room, rooms, whole } from './parse.ts'
import { paint } from './terminal.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/**
 * The commands. What one does is loaded when it is called: `start` needs no client, and `pub` no database.
 * @throws CommanderError on what cannot be read, after it was said
 */
export function program(): Command {
  const all = new Command('holdline')
    .description('Holdline, a realtime gateway: run one, or speak to one that runs.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('Add --help for what can be said.')
    .configureHelp({ styleTitle: (title) => paint(process.stdout, 'bold', title) })
    .addHelpText('after', GENERAL)

  all
    .command('start')
    .description('run a gateway on Node, with the settings of the environment')
    .addHelpText('after', examples('holdline start', 'PORT=9000 HOLDLINE_DATA=rooms.db holdline start'))
    .action(async () => (await import('./start.ts')).start())

  speaks(all.command('pub'))
    .description('publish to a room; ends with 0 only if all was acknowledged')
    .argument('<room>', 'the room', room)
    .argument('[data]', 'a text. With - or nothing, each line of standard input is a message')
    .option('--json', 'data is JSON, and so is each line')
    .option('--id <id>', 'the id of the message: it is published once, however often it is sent')
    .option('--event <name>', 'what kind of message it is')
    .addHelpText(
      'after',
      examples(
        'holdline pub lobby hello',
        `holdline pub orders --json '{"order":4711}' --id order-4711`,
        'tail -f access.log | holdline pub log -',
      ),
    )
    .action(async (name, data, options) => (await import('./run/pub.ts')).pub(name, data, options))

  speaks(all.command('sub'))
    .description('follow rooms: the data of each message, a line each')
    .argument('<rooms...>', 'the rooms; where there are several, each line begins with its room and a tab', rooms)
    .option('--json', 'whole events in place of data')
    .option('--from <cursor>', 'begin after this cursor; 0-0 is before everything. Of several rooms, joined by dots')
    .addOption(
      new Option('--rewind <n>', 'begin so many messages back').argParser(whole(0, LIMITS.rewind)).conflicts('from'),
    )
    .option('--count <n>', 'end after so many messages', whole(1, 999_999_999))
    .addHelpText(
      'after',
      examples(
        'holdline sub lobby --rewind 10',
        'holdline sub orders --from 0-0 --json | jq -r .data',
        'holdline sub news lobby --count 1',
      ),
    )
    .action(async (names, options) => (await import('./run/sub.ts')).sub(names, options))

  speaks(all.command('history'))
    .description('what was said, oldest first')
    .argument('<room>', 'the room', room)
    .option('--json', 'whole messages in place of data')
    .addOption(new Option('--all', 'all there is, however many pages that takes').conflicts('limit'))
    .option('--limit <n>', 'so many at most', whole(1, 999_999_999), LIMITS.historyDefault)
    .option('--after <cursor>', 'those after it; without it, the newest')
    .option('--before <cursor>', 'those before it')
    .addHelpText(
      'after',
      examples('holdline history lobby --limit 20', 'holdline history orders --all --json > orders.ndjson'),
    )
    .action(async (name, options) => (await import('./run/history.ts')).history(name, options))

  speaks(all.command('presence'))
    .description('who is here: session, user, state')
    .argument('<room>', 'the room', room)
    .option('--json', 'a JSON object for each')
    .addHelpText('after', examples('holdline presence lobby'))
    .action(async (name, options) => (await import('./run/people.ts')).presence(name, options))

  speaks(all.command('who'))
    .description('the sessions of a room, also those that are not present (needs manage)')
    .argument('<room>', 'the room', room)
    .option('--json', 'a JSON object for each')
    .addHelpText('after', examples('holdline who lobby', 'holdline who lobby --json | jq -r .user'))
    .action(async (name, options) => (await import('./run/people.ts')).who(name, options))

  all
    .command('token')
    .description('make a token, signed with HOLDLINE_JWT_SECRET')
    .option('--user <name>', 'whose it is')
    .requiredOption('--rooms <grant>', 'what it opens: pattern=capability,…; may be said several times', grant)
    .option('--for <time>', 'how long it lasts: 90s, 15m, 1h, 7d', duration, 3600)
    .addHelpText(
      'after',
      examples(
        "holdline token --user ada --rooms 'chat:*=subscribe,publish' --for 1h",
        `HOLDLINE_TOKEN=$(holdline token --rooms '*=subscribe,history') holdline sub lobby`,
      ),
    )
    .action(async (options) => (await import('./run/token.ts')).token(options))

  speaks(all.command('doctor'))
    .description('find out what is wrong with a running gateway, or with what stands in front of it')
    .option('--room <room>', 'the room to try; the token must open it', room)
    .option('--origin <origin>', 'try as a page of this origin would')
    .option('--config', 'check the settings of this environment too')
    .option('--slow', 'take half a minute to find out what is cut after a while')
    .option('--json', 'a JSON object for each check')
    .addHelpText(
      'after',
      examples(
        'holdline doctor --url https://realtime.example.com --slow',
        'holdline doctor --config --origin https://app.example.com',
      ),
    )
    .action(async (options) => (await import('./doctor/doctor.ts')).doctor(options))

  return all
}

/** What all that speak to a gateway have in common. */
const speaks = (command: Command): Command =>
  command
    .option('--url <url>', `the gateway (else ${client.url.name}, else ${client.url.default})`)
    .addOption(
      new Option(
        '--token <token>',
        `a token or an API key, which ps shows to all: ${client.token.name} is not seen`,
      ).conflicts('tokenFile'),
    )
    .option('--token-file <file>', 'a file with the token, read again when that has ended')

const examples = (...lines: readonly string[]): string => `\nExamples:\n${lines.map((line) => `  ${line}\n`).join('')}`

const GENERAL = `
Examples:
  holdline start
  holdline sub lobby
  holdline pub lobby hello
  tail -f access.log | holdline pub log -

What it ends with:
  ${EXIT.ok}   what was asked for was done
  ${EXIT.failed}   it was not
  ${EXIT.usage}   it was called wrongly
  ${EXIT.unreachable}  the gateway cannot be reached, or takes no work
  ${EXIT.notAllowed}  the token does not allow it
  ${EXIT.config}  settings are wrong
`
