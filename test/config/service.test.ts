import {describe, expect, test} from 'vitest'
import {complaint, workplace} from './workplace.ts'

/** PostgreSQL documentation, 34.17 "The Connection Service File". */
const file = `# a comment
[other]
host=other.example

[mine]
  host=db1.example,db2.example
port=6543
user=service
dbname=app
password=plain-66
sslmode=require
host=ignored.example
[next]
host=next.example
`

async function place(more: Readonly<Record<string, string>> = {}) {
  const work = await workplace()
  await work.write('services.conf', file)
  for (const [name, text] of Object.entries(more)) await work.write(name, text)
  return {...work, PGSERVICEFILE: `${work.directory}/services.conf`}
}
const seen = ({hosts}: {hosts: readonly {connection: object}[]}) => hosts.map(({connection}) => connection)

describe('a connection service', () => {
  test('fills what the connection string leaves out, before the environment does', async () => {
    await using work = await place()
    const {PGSERVICEFILE} = work
    const env = {PGSERVICEFILE, PGUSER: 'environment', PGPORT: '1', PGOPTIONS: '-c geqo=off'}
    const service = {port: 6543, user: 'service', dbname: 'app', sslmode: 'require', options: '-c geqo=off'}
    expect(seen(await work.dsn('service=mine', env))).toMatchObject([
      {...service, host: 'db1.example', password: {from: 'config', text: 'plain-66'}},
      {...service, host: 'db2.example'},
    ])
    expect(seen(await work.dsn('postgres://me@own:1/own?service=mine&sslmode=disable', env))).toMatchObject([
      {host: 'own', port: 1, user: 'me', dbname: 'own', sslmode: 'disable', password: {text: 'plain-66'}},
    ])
    expect(seen(await work.dsn('requiressl=0 service=mine host=own', env))).toMatchObject([{sslmode: 'prefer'}])
    expect(seen(await work.dsn(`host=own service=mine servicefile='${PGSERVICEFILE}'`))).toMatchObject([{port: 6543}])
  })

  test('is named by $PGSERVICE too: for a connection string, for a file, and instead of both', async () => {
    await using work = await place()
    const {PGSERVICEFILE, env} = work
    const named = {PGSERVICEFILE, PGSERVICE: 'next'}
    expect(seen(await work.dsn('user=me', named))).toMatchObject([{host: 'next.example', user: 'me'}])
    expect(seen(await work.load('hosts: {h1: {user: me}, h2: {host: b}}', named))).toMatchObject([
      {host: 'next.example', user: 'me'},
      {host: 'b'},
    ])
    const {loadConfig} = await import('../../src/config/load.ts')
    const alone = await loadConfig({env: {...env, ...named, PGHOST: 'ignored', PGPORT: '7'}, cwd: '/'})
    expect(seen(alone)).toMatchObject([{host: 'next.example', port: 7}])
  })

  test('of a host in the file: its password is plain, and the host has the last word', async () => {
    await using work = await place({'.pg_service.conf': '[home]\nhost=home.example\npassword=cGFzcw==\n'})
    const yaml = `hosts:
  h1: {service: home}
  h2: {service: home, password: cGFzcw==, aliases: [10.0.0.1]}
  h3: {service: next, servicefile: services.conf, port: 9}
`
    expect(seen(await work.load(yaml))).toMatchObject([
      {host: 'home.example', password: {text: 'cGFzcw=='}},
      {host: 'home.example', password: {text: 'pass'}},
      {host: 'next.example', port: 9},
    ])
    expect((await work.load(yaml)).hosts[1]?.aliases).toEqual(['10.0.0.1'])
  })

  test.each([
    ['service=nosuch', {}, /names a service that neither .*services\.conf nor .*defines/],
    ['service=mine servicefile=/nowhere/s.conf', {}, /cannot be read \(ENOENT\)/],
    ['service=mine servicefile=/dev/null', {}, /not a plain file/],
    ['service=nested servicefile=bad.conf', {}, /names another service in .*bad\.conf line 2/],
    ['service=odd servicefile=bad.conf', {}, /no keyword of libpq in .*bad\.conf line 4/],
    ['service=ldap servicefile=bad.conf', {}, /LDAP in .*bad\.conf line 6/],
  ])('%s: refused, and no line of the file is shown', async (dsn, env, reason) => {
    await using work = await place({
      'bad.conf': '[nested]\nservice=hunter2\n[odd]\nhunter2=x\n[ldap]\nldap://hunter2\n',
    })
    const {code, message, next} = await complaint(work.dsn(dsn, {PGSERVICEFILE: work.PGSERVICEFILE, ...env}))
    expect(code).toBe('CONFIG_SERVICE')
    expect(message).toMatch(reason)
    expect(message + next).not.toContain('hunter2')
  })
})
