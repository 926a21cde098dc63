// The demo server of themes/demo, built afresh.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { freePort, root, serve } from './harness.mjs'

export async function demo(...args) {
  const dir = mkdtempSync(path.join(tmpdir(), 'labmark-demo-'))
  const binary = path.join(dir, 'demo')
  execFileSync('go', ['build', '-o', binary, './themes/demo'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const server = await serve(binary, ['-listen', `127.0.0.1:${port}`, ...args], url)
  return {
    ...server,
    // lever makes the demo misbehave; see themes/demo/requests.go.
    async lever(name) {
      const answer = await fetch(`${url}/demo/${name}`, { method: 'POST' })
      if (!answer.ok) throw new Error(`the demo has no lever ${name}`)
    },
    async stop() {
      await server.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
