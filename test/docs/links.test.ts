import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../targets/target.ts'
import { pages, textOf } from './snippets.ts'

const all = [...pages, ...globSync(['examples/**/*.md', 'bench/*.md'], { cwd: root })]

const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '')

/** What a page links to and shows, as it is written there. */
const linksOf = (page: string): string[] => {
  const text = withoutCode(textOf(page))
  return [/\]\(([^)\s]+)\)/g, /\b(?:src|srcset|href)="([^"]+)"/g].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(([, link]) => link as string),
  )
}

/** The anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of textOf(page)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .matchAll(/^#{1,6} (.+)$/gm)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const slug = words.replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')
    let anchor = slug
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`
    anchors.add(anchor)
  }
  return anchors
}

const isElsewhere = (link: string): boolean => /^[a-z]+:/.test(link)
const targetOf = (page: string, link: string): string =>
  normalize(join(dirname(page), link.replace(/#.*/, ''))).replace(/\/$/, '')

describe('links in the docs', () => {
  it.each(all)('%s: each leads somewhere', (page) => {
    const broken = linksOf(page)
      .filter((link) => !isElsewhere(link))
      .filter((link) => {
        const target = link.startsWith('#') ? page : targetOf(page, link)
        if (target.startsWith('..') || !existsSync(join(root, target))) return true
        const [, anchor] = link.split('#')
        return anchor !== undefined && !(target.endsWith('.md') && anchorsOf(target).has(anchor))
      })
    expect(broken).toEqual([])
  })

  it.each(['README.md', 'docs/README.md'])('%s links to every page', (index) => {
    const linked = new Set(linksOf(index).map((link) => targetOf(index, link)))
    expect(pages.filter((page) => page !== index && page !== 'README.md' && !linked.has(page))).toEqual([])
  })

  it('every picture is shown', () => {
    const shown = new Set(all.flatMap((page) => linksOf(page).map((link) => targetOf(page, link))))
    expect(globSync('docs/img/*', { cwd: root }).filter((file) => !shown.has(file))).toEqual([])
  })

  it('the two commands that matter stand in the README', () => {
    expect(textOf('README.md')).toContain('\nnpm ci && npm start\n')
    expect(textOf('README.md')).toContain('\nnpm ci && npm test\n')
  })
})

/** What belongs to a machine or a day, and not to a reader. */
const STRAY = /\/(?:work|root|home|tmp|Users)\/\w|\bregistry\.|deb\.debian\.org|\b(?:TODO|FIXME|XXX|TBD)\b|localhost:\d/

it.each(all)('%s names no path of a machine, no registry, and nothing that is still to do', (page) => {
  const lines = readFileSync(join(root, page), 'utf8').split('\n')
  expect(lines.filter((line) => STRAY.test(line))).toEqual([])
})
