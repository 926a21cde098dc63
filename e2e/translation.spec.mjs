// The interface in the reader's language, and a course in two: chosen in the
// page, with what is not translated said.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gateway } from './gateway.mjs'
import { axe, launch, open, root, screenshot } from './harness.mjs'
import * as student from './student.mjs'

// slow is for two slow cores, shared with others.
const slow = { deadline: 180_000 }

let server, browser
before(async () => {
  server = await gateway(['examples/linux-essentials', 'e2e/course'])
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await server?.stop()
})

const languagesOf = async (page) => [await page.locator('html').getAttribute('lang'), await page.locator('article.prose').getAttribute('lang')]

describe('a translated course', () => {
  let visit, page
  before(async () => {
    visit = await open(browser, server.url)
    page = visit.page
    await student.login(page)
  })
  after(() => visit?.context.close())
  const languages = () => languagesOf(page)
  const choose = (menu, language) => page.getByRole('navigation', { name: menu }).getByRole('link', { name: language }).click()

  test('is read in the language that one chooses', async () => {
    await page.goto('/courses/linux-essentials')
    await page.getByRole('heading', { name: 'Linux essentials' }).waitFor()
    await axe(page)
    await choose('Language of this course', 'Deutsch')
    await page.getByRole('heading', { name: 'Linux von Grund auf' }).waitFor()
    assert.equal(new URL(page.url()).search, '')
    await axe(page)
    await page.getByRole('link', { name: 'Sich in der Shell zurechtfinden' }).click()
    await page.getByRole('heading', { name: 'Begrüße die Shell' }).waitFor()
    assert.deepEqual(await languages(), ['de', 'de'])
    assert.equal(await page.getByText('noch nicht übersetzt').count(), 0)
    await axe(page)
  })

  test('has its long words on a narrow screen', async () => {
    await page.setViewportSize({ width: 360, height: 740 })
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page is wider than the screen')
    await axe(page)
    await screenshot(page, 'translation-narrow')
    await page.setViewportSize({ width: 1280, height: 800 })
  })

  test('says what is not translated yet, and goes back', async () => {
    await page.goto('/courses/linux-essentials/files')
    await page.getByText('noch nicht übersetzt').waitFor()
    assert.deepEqual(await languages(), ['de', 'en'])
    await axe(page)
    await choose('Sprache dieses Kurses', 'English')
    await page.getByText('noch nicht übersetzt').waitFor({ state: 'detached' })
    await page.goto('/courses/linux-essentials/shell')
    await page.getByRole('heading', { name: 'Say hello to the shell' }).waitFor()
    assert.deepEqual(await languages(), ['en', 'en'])
  })
})

// english are our own sentences that read otherwise in German, as patterns.
const english = ['frame', 'student', 'server', 'script'].flatMap((name) =>
  [...readFileSync(path.join(root, 'themes/words/de', `${name}.yaml`), 'utf8').matchAll(/^"((?:[^"\\]|\\.)+)": (.*)$/gm)]
    .map(([, key, german]) => [key.replace(/##\w+$/, ''), german])
    .filter(([key, german]) => german !== `"${key}"` && /[A-Za-z]{2}/.test(key.replace(/\{\w+\}/g, '')))
    .map(([key]) => new RegExp(`^${key.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{(n|won|of)\}/g, '[\\d.,]+').replace(/\{\w+\}/g, '.+')}$`)),
)

// leftovers are the lines and labels of a page that are ours and English.
async function leftovers(page) {
  const said = await page.evaluate(() => [
    ...document.body.innerText.split('\n'),
    ...[...document.querySelectorAll('[aria-label], [title], [placeholder], [alt]')].flatMap((e) => ['aria-label', 'title', 'placeholder', 'alt'].map((a) => e.getAttribute(a) ?? '')),
  ])
  return said.map((line) => line.trim()).filter((line) => english.some((pattern) => pattern.test(line)))
}

describe('a reader whose browser says German', () => {
  let visit, page
  before(async () => {
    visit = await open(browser, server.url, { locale: 'de-DE' })
    page = visit.page
  })
  after(() => visit?.context.close())
  const choose = (language) => page.getByRole('contentinfo').getByRole('link', { name: language }).click()
  const heading = (name) => page.getByRole('heading', { name, exact: true }).waitFor()
  const german = async () => {
    assert.equal(await page.locator('html').getAttribute('lang'), 'de')
    assert.deepEqual(await leftovers(page), [])
    await axe(page)
  }

  test('may choose French before the sign-in, and German again after it', async () => {
    await page.goto('/login')
    await heading('Anmelden')
    await german()
    await choose('Français')
    await heading('Se connecter')
    await axe(page)
    await page.getByRole('button', { name: 'Essayer en tant qu’invité' }).click()
    await heading('Cours')
    assert.equal(await page.locator('html').getAttribute('lang'), 'fr')
    await choose('Deutsch')
    await heading('Kurse')
    await german()
  })

  test('reads the course, the privacy page and an error in German', async () => {
    await page.goto('/courses/trials')
    await page.getByRole('heading', { name: 'Trials' }).waitFor()
    await page.getByText(/^0 von \d+ Punkten$/).first().waitFor()
    await german()
    await page.goto('/privacy')
    await heading('Was über Sie gespeichert wird')
    await page.getByRole('cell', { name: 'Damit Ihre Lehrkraft weiß, wessen Arbeit es ist' }).waitFor()
    await german()
    await page.goto('/nowhere')
    await heading('Diese Seite gibt es nicht.')
    await page.getByRole('link', { name: 'Zurück zu den Kursen' }).waitFor()
    await german()
  })

  test('hears of a failed check in German, in an English course', async () => {
    await student.openTutorial(page, '/courses/trials/work', slow)
    assert.deepEqual(await languagesOf(page), ['de', 'en'])
    await page.locator('#guest-state').getByText('Bereit.').waitFor()
    const note = student.check(page, 'note-written')
    await note.getByRole('button', { name: 'Meine Arbeit prüfen' }).waitFor()
    assert.match(await student.runCheck(page, 'note-written', 'fail', slow), /^The file note should say/)
    assert.equal((await note.locator('.check-verdict').textContent()).trim(), 'Noch nicht')
    await note.getByText('1 Versuch', { exact: true }).waitFor()
    await german()
    await screenshot(page, 'translation-german')
  })

  test('finds the attempt in the progress', async () => {
    await page.goto('/progress')
    await heading('Mein Fortschritt')
    await page.getByText('Noch nicht', { exact: true }).first().waitFor()
    await german()
  })
})
