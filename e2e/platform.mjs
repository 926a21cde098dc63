// A platform's page with a tool in its frame, as far as browsers see it: it
// answers messages between windows, and keeps those that it heard.
import http from 'node:http'

const page = (frame, sandbox, size) => `<!doctype html><html lang="en"><title>A platform</title>
<iframe name="storage" src="/storage" hidden title="storage"></iframe>
<iframe name="tool" title="tool" src="${frame}" width="${size[0]}" height="${size[1]}"${sandbox ? ' sandbox="allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox"' : ''}></iframe>
<script src="/messages.js"></script>`

// The way of answering stands in the address, of the page or of the one around it.
const messages = `
window.heard = []
window.kept = {}
const way = new URLSearchParams((window.parent === window ? window : window.parent).location.search).get('storage') ?? 'none'
const isStorage = location.pathname === '/storage'
addEventListener('message', (e) => {
  const m = e.data
  window.heard.push({ ...m, from: e.origin })
  const answer = (data) => e.source.postMessage({ subject: m.subject + '.response', message_id: m.message_id, ...data }, '*')
  if (m.subject === 'lti.capabilities' && way !== 'none') {
    answer({ supported_messages: [{ subject: 'lti.capabilities' }, { subject: 'lti.put_data' }, { subject: 'lti.get_data' }] })
  }
  if (way === 'frame' && !isStorage) return
  if (m.subject === 'lti.put_data' && way !== 'none') {
    if (way === 'confused') return answer({ message_id: 'of something else', key: m.key })
    if (way === 'full') return answer({ error: { code: 'storage_exhaustion', message: 'full' } })
    window.kept[m.key] = m.value
    answer({ key: m.key, value: m.value })
  }
  if (m.subject === 'lti.get_data' && way !== 'none') answer({ key: m.key, value: way === 'empty' ? null : 's3cret' })
})
`

// platform serves on localhost, which is another site than the demo's 127.0.0.1.
export async function platform(tool) {
  const server = http.createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost')
    const q = url.searchParams
    if (url.pathname === '/messages.js') {
      response.setHeader('Content-Type', 'text/javascript')
      response.end(messages)
    } else if (url.pathname === '/storage') {
      response.setHeader('Content-Type', 'text/html')
      response.end('<!doctype html><html lang="en"><title>storage</title><script src="/messages.js"></script>')
    } else if (request.method === 'POST') {
      let body = ''
      request.on('data', (b) => (body += b))
      request.on('end', () => {
        response.setHeader('Content-Type', 'text/html')
        response.end(`<!doctype html><title>posted</title><p id="posted">${url.pathname} ${body}</p>`)
      })
    } else if (url.pathname === '/') {
      response.setHeader('Content-Type', 'text/html')
      response.end(page(q.get('tool') ?? '', q.has('sandbox'), (q.get('size') ?? '800x600').split('x')))
    } else {
      response.statusCode = 404
      response.end()
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://localhost:${server.address().port}`
  return {
    origin,
    // frames is the address of a page with one of the tool's in a frame.
    frames(path, { storage = 'none', sandbox = false, size = '800x600', permitted = true, query = {} } = {}) {
      const inner = new URL(path, tool)
      if (permitted) inner.searchParams.set('frame', origin)
      for (const [name, value] of Object.entries(query)) inner.searchParams.set(name, value)
      const outer = new URL(origin)
      outer.searchParams.set('tool', inner.href)
      outer.searchParams.set('storage', storage)
      outer.searchParams.set('size', size)
      if (sandbox) outer.searchParams.set('sandbox', '')
      return outer.href
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  }
}
