import {expect, test} from 'vitest'
import {problems, workplace} from './workplace.ts'

const hosts = 'hosts: {host1: {host: 127.0.0.1}, host2: {host: 10.0.0.2}, host3: {host: 10.0.0.3}}\nlocal: host1\n'

test('an archive inside of the data directory, which pg_rewind would empty', async () => {
  await using place = await workplace()
  const rejoin = (archive: string) => `${hosts}rejoin: {pgdata: /pg/15/main, bin: /usr/bin, archive: ${archive}}`
  for (const archive of ['/pg/15/main', '/pg/15/main/diverged', '/pg/15/other/../main/diverged'])
    expect(await problems(place.load(rejoin(archive)))).toMatchObject([
      {path: 'rejoin.archive', message: 'lies inside of pgdata'},
    ])
  expect((await place.load(rejoin('/pg/15/main.diverged'))).rejoin?.archive).toBe('/pg/15/main.diverged')
})
