// The real server on a fresh data folder, with guests of one engine or another.
import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { endGuests, freePort, root, serve } from './harness.mjs'

const binary = path.join(root, 'bin', 'labmark')

// gateway starts it. nodes are the arguments of "labmark node add"; without
// any, guests are User-Mode Linux on this machine.
export async function gateway(courses, { nodes = [], args = [] } = {}) {
  // The path of a guest's socket must be short.
  const dir = mkdtempSync(path.join(tmpdir(), 'lm'))
  const labmark = (words, input) => execFileSync(binary, [...words, '--data-dir', dir], { input, encoding: 'utf8' })
  for (const node of nodes) labmark(['node', 'add', ...node])
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const words = ['serve', '--demo', '--per-user', '0', '--listen', `127.0.0.1:${port}`, '--data-dir', dir, ...args, ...courses]
  const server = await serve(binary, words, `${url}/healthz`, { cwd: root, deadline: 180_000 })
  return {
    ...server,
    url,
    dir,
    labmark,
    addUser(name, password) {
      labmark(['user', 'add', '--name', `Student ${name}`, name], `${password}\n`)
    },
    async stop() {
      await server.stop()
      endGuests(dir)
    },
  }
}
