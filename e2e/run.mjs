// Runs the browser tests, two files at a time: each waits a good part of its
// time, and Node alone would take them one by one on two processors.
// node run.mjs [FILE…]
import { readdirSync } from 'node:fs'
import { run } from 'node:test'
import { tap } from 'node:test/reporters'

const named = process.argv.slice(2)
const files = named.length ? named : readdirSync('.').filter((name) => name.endsWith('.spec.mjs')).sort()
run({ files, concurrency: 2 })
  .on('test:fail', () => (process.exitCode = 1))
  .compose(tap)
  .pipe(process.stdout)
