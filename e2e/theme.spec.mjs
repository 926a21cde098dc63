// A course whose theme changes a heading's template, messages and colours.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { gateway } from './gateway.mjs'
import { launch, open, screenshot } from './harness.mjs'
import * as student from './student.mjs'

describe('a course with a theme of its own', () => {
  let server, browser, visit, page
  before(async () => {
    server = await gateway(['e2e/themed'], { args: ['--pool', '0'] })
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

  test('is drawn by it, and other pages are not', async () => {
    await page.goto('/courses/sea/knots')
    await page.getByRole('heading', { name: 'Ahoy: Knots' }).waitFor()
    assert.equal(await page.locator('.skip').textContent(), 'Over the rail')
    assert.equal(await page.locator('.ship').evaluate((e) => getComputedStyle(e).textTransform), 'uppercase')
    assert.equal(await page.evaluate(() => globalThis.labmarkWords.Copied), 'Aye')
    await screenshot(page, 'theme')
    await page.goto('/progress')
    assert.equal(await page.locator('.skip').textContent(), 'Skip to the content')
  })
})
