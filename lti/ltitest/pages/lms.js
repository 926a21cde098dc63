// What a platform's page does for the tools in its frames: messages of LTI
// (Client Side postMessages 0.1), storage (Platform Storage 0.1), and the end
// of a registration. On the gradebook it keeps the table up to date.
(function () {
  'use strict'
  const how = document.currentScript.dataset
  const kept = new Map() // "origin key" → value, as long as this page lives

  // Where a message may be sent to: some subjects only to the storage's frame.
  function supported () {
    const storage = how.storage ? { frame: how.storage } : {}
    const stores = [
      { subject: 'lti.put_data', ...storage },
      { subject: 'lti.get_data', ...storage }
    ]
    return [{ subject: 'lti.capabilities' }, ...stores, { subject: 'lti.frameResize' }]
  }

  const answers = {
    'lti.capabilities': () => ({ supported_messages: supported() }),
    'lti.put_data': (m, origin) => {
      if (how.stores !== 'true') return { error: { code: 'unsupported_subject', message: 'send this to ' + how.storage } }
      const name = origin + ' ' + m.key
      if (m.value === undefined || m.value === null) kept.delete(name)
      else kept.set(name, String(m.value))
      return { key: m.key, value: m.value }
    },
    'lti.get_data': (m, origin) => {
      if (how.stores !== 'true') return { error: { code: 'unsupported_subject', message: 'send this to ' + how.storage } }
      return { key: m.key, value: kept.get(origin + ' ' + m.key) }
    },
    'lti.frameResize': (m) => {
      const frame = document.getElementById('tool')
      if (frame && Number(m.height) > 0) frame.style.height = Math.min(Number(m.height), 20000) + 'px'
      return {}
    }
  }

  window.addEventListener('message', event => {
    let m = event.data
    if (typeof m === 'string') {
      try { m = JSON.parse(m) } catch { return }
    }
    if (!m || typeof m.subject !== 'string') return
    if (m.subject === 'org.imsglobal.lti.close' && how.closing === 'true') {
      window.location.assign('/admin')
      return
    }
    const answer = answers[m.subject]
    if (how.answers !== 'true' || !answer || !event.source) return
    event.source.postMessage(
      { subject: m.subject + '.response', message_id: m.message_id, ...answer(m, event.origin) }, event.origin)
  })

  const table = document.querySelector('table[data-live]')
  async function refresh () {
    try {
      const page = await (await fetch(window.location.href)).text()
      const fresh = new DOMParser().parseFromString(page, 'text/html').querySelector('table[data-live]')
      // Whoever is on a link of the table with the keyboard stays there.
      if (fresh && fresh.innerHTML !== table.innerHTML && !table.contains(document.activeElement)) table.innerHTML = fresh.innerHTML
    } catch { /* the next try may do */ }
    setTimeout(refresh, 1000)
  }
  if (table) setTimeout(refresh, 1000)
})()
