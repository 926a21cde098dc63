// A course in two languages: chosen in the page, with what is not translated said.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { gateway } from './gateway.mjs'
import { axe, launch, open, screenshot } from './harness.mjs'
import * as student from './student.mjs'

describe('a translated course', () => {
  let server, browser, visit, page
  before(async () => {
    server = await gateway(['examples/linux-essentials'])
    browser = await launch()
    visit = await open(browser, server.url)
    page = visit.page
    await student.login(page)
  })
  after(async () => {
    await visit?.context.close()
    await browser?.close()
    await server?.stop()
  })
  const languages = async () => [await page.locator('html').getAttribute('lang'), await page.locator('article.prose').getAttribute('lang')]

  test('is read in the language that one chooses', async () => {
    await page.goto('/courses/linux-essentials')
    await page.getByRole('heading', { name: 'Linux essentials' }).waitFor()
    await page.getByRole('link', { name: 'Deutsch' }).click()
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
    await page.getByRole('link', { name: 'English' }).click()
    await page.getByText('noch nicht übersetzt').waitFor({ state: 'detached' })
    await page.goto('/courses/linux-essentials/shell')
    await page.getByRole('heading', { name: 'Say hello to the shell' }).waitFor()
    assert.deepEqual(await languages(), ['en', 'en'])
  })
})
