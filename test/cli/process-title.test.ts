import assert from 'node:assert/strict'
import {existsSync, readFileSync} from 'node:fs'
import {test} from 'vitest'
import {until} from '../support/cluster.ts'
import {start} from '../support/run.ts'

test.skipIf(!existsSync('/proc/self/cmdline'))(
  'a list of processes shows no password of a connection string',
  async () => {
    const watch = start(['watch', '--json', 'postgres://pgroute66:geheim@127.0.0.1:1/postgres'])
    const said = (file: string) => readFileSync(`/proc/${watch.child.pid}/${file}`, 'utf8').replaceAll('\0', ' ').trim()
    try {
      await until(() => said('cmdline') === 'pgroute66 watch')
      assert.equal(said('comm'), 'pgroute66 watch')
    } finally {
      watch.child.kill('SIGTERM')
      await watch.ended
    }
  },
)
