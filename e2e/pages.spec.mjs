// Every page of the theme, with sample data: without a complaint of the
// browser, without a violation that axe finds, in all the ways it can look.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { demo } from './demo.mjs'
import { axe, launch, open, printed, screenshot } from './harness.mjs'
import { openTutorial, showTerminal, typeInTerminal, waitForTerminal } from './student.mjs'

const views = {
  wide: {},
  dark: { colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
}
const pages = {
  login: '/login',
  courses: '/',
  course: '/courses/linux-essentials',
  progress: '/progress',
  error: '/nowhere',
  refused: '/lti/refused',
  storage: '/lti/storage?store=none',
  close: '/lti/close',
  privacy: '/lti/privacy',
  launched: '/at/7Q2XK/progress',
  pick: '/lti/pick',
  preview: '/teach/preview',
  class: '/teach/class',
  student: '/teach/student',
  check: '/teach/check',
  outbox: '/teach/outbox',
  settings: '/teach/settings',
  platforms: '/admin/platforms',
  platform: '/admin/platforms/1',
  nodes: '/admin/nodes',
  sources: '/admin/courses',
}
const notFound = /status of 40[34] .*\/(nowhere|lti\/refused)/

describe('pages', () => {
  let server, browser
  before(async () => {
    server = await demo()
    browser = await launch()
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  for (const [view, options] of Object.entries(views)) {
    for (const [name, address] of Object.entries(pages)) {
      test(`${name}, ${view}`, async () => {
        const visit = await open(browser, server.url, { ...options, allowed: [notFound] })
        await visit.page.goto(address)
        await screenshot(visit.page, `${name}-${view}`)
        await axe(visit.page)
        const { scroll, client } = await visit.page.evaluate(() => ({
          scroll: document.documentElement.scrollWidth,
          client: document.documentElement.clientWidth,
        }))
        assert.ok(scroll <= client, `the page is ${scroll} px wide on a screen of ${client} px`)
        await visit.done()
      })
    }

    test(`tutorial, ${view}`, async () => {
      await server.lever('forget')
      const visit = await open(browser, server.url, options)
      const { page } = visit
      await openTutorial(page, '/courses/linux-essentials/files')
      await screenshot(page, `tutorial-${view}`)
      await axe(page)
      await page.locator('#write').evaluate((e) => e.scrollIntoView({ behavior: 'instant' }))
      await screenshot(page, `tutorial-checks-${view}`)
      await showTerminal(page)
      for (const line of ['ls -l', 'colours', 'link']) await typeInTerminal(page, line)
      await waitForTerminal(page, 'example.org')
      await screenshot(page, `terminal-${view}`)
      await axe(page)
      await visit.done()
    })
  }

  test('the chosen theme outlives the page and wins over the system', async () => {
    const visit = await open(browser, server.url, { colorScheme: 'light' })
    const { page } = visit
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    await page.goto('/')
    const light = await ground()
    await page.getByRole('button', { name: 'Light or dark' }).click()
    const dark = await ground()
    assert.notEqual(dark, light)
    await page.reload()
    assert.equal(await ground(), dark)
    await visit.done()
  })

  test('a tutorial prints as a handout, without the terminal', async () => {
    const visit = await open(browser, server.url)
    await openTutorial(visit.page, '/courses/linux-essentials/files')
    await printed(visit.page, 'handout')
    await visit.page.emulateMedia({ media: 'print' })
    assert.equal(await visit.page.locator('#machine').isVisible(), false)
    assert.equal(await visit.page.locator('.check-button').first().isVisible(), false)
    assert.equal(await visit.page.getByText('Leave an archive of').isVisible(), true)
    await visit.done()
  })

  test('a page works without JavaScript as far as it can', async () => {
    const visit = await open(browser, server.url, { javaScriptEnabled: false })
    await visit.page.goto('/courses/linux-essentials/files')
    await visit.page.getByText('Make them, move them').waitFor()
    const warning = await visit.page.locator('noscript p').boundingBox()
    assert.ok(warning.y > 0 && warning.y < 200, 'the page should say on top that it needs JavaScript')
    await visit.page.goto('/login')
    await visit.page.getByLabel('Name', { exact: true }).fill('ann')
    await visit.page.getByLabel('Password').fill('wrong')
    await visit.page.getByRole('button', { name: 'Sign in' }).click()
    await visit.page.getByRole('alert').getByText('do not go together').waitFor()
    await visit.done()
  })
})
