import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright-core'

/**
 * A real headless Chromium, from the npm package that carries one: nothing is downloaded and nothing installed.
 * The package's own flags are not used, as `--disable-web-security` would switch off what we test.
 */
export async function launchBrowser(): Promise<Browser> {
  const own = process.env.CHROMIUM
  if (own) return chromium.launch({ executablePath: own })
  const home = await unpacked()
  try {
    return await chromium.launch({
      executablePath: join(home, 'chromium'),
      env: {
        ...process.env,
        // The package's NSS and Expat, which a slim image lacks, and its font, for where there is none.
        LD_LIBRARY_PATH: [join(home, 'al2023', 'lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
        FONTCONFIG_FILE: join(home, 'fonts.conf'),
      },
    })
  } catch (error) {
    throw new Error(
      `Chromium does not start. It needs Linux on x64 with glibc 2.34 or newer and libgcc (Debian 12: apt-get install libgcc-s1). Elsewhere let CHROMIUM name a Chromium or Chrome.\n${error}`,
      { cause: error },
    )
  }
}

const locate = createRequire(import.meta.url).resolve

/** 200 MB, so they are unpacked once per version and user, and not once per run. */
async function unpacked(): Promise<string> {
  const entry = locate('@sparticuz/chromium')
  const { version } = JSON.parse(await readFile(join(dirname(entry), '../package.json'), 'utf8')) as { version: string }
  const user = userInfo()
  const home = join(tmpdir(), `holdline-chromium-${version}-${user.uid}`)
  if (!existsSync(home)) {
    // Beside its final place, so that the rename is atomic: of two runs that unpack at once, both find a whole one.
    const stage = await mkdtemp(`${home}.`)
    try {
      await unpack(entry, stage)
      await writeFile(
        join(stage, 'fonts.conf'),
        `<fontconfig><dir>/usr/share/fonts</dir><dir>${home}/fonts</dir><cachedir>${home}/fonts-cache</cachedir></fontconfig>\n`,
      )
      await rename(stage, home)
    } catch (error) {
      if (!existsSync(home)) throw error
    } finally {
      await rm(stage, { recursive: true, force: true })
    }
  }
  // The temp folder is everybody's: what another user put there is not run.
  if ((await stat(home)).uid !== user.uid) throw new Error(`${home} belongs to somebody else`)
  return home
}

/** A process of its own, because the package unpacks to the temp folder, wherever that is said to be. */
async function unpack(entry: string, folder: string): Promise<void> {
  const script = `import(${JSON.stringify(entry)}).then((chromium) => chromium.default.executablePath())`
  // The package unpacks its libraries only where it believes itself to be on Lambda.
  const env = { ...process.env, TMPDIR: folder, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' }
  await promisify(execFile)(process.execPath, ['-e', script], { env })
}
