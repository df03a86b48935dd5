import {expect, test} from 'vitest'
import {complaint, workplace} from './workplace.ts'

const documented = `
---
hosts:
  host1:
    host: 1.2.3.4
    port: 5432
    user: pgroute66
    password: cGEkJHcwcmQ=
  host2:
    host: 1.2.3.5
    port: 5432
    user: pgroute66
    password: cGEkJHcwcmQ=
  host3:
    host: 1.2.3.6
    port: 5432
    user: pgroute66
    password: cGEkJHcwcmQ=

bind: 127.0.0.1

port: 8443

ssl:
  cert: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JSUV2d0lCQURBTkJna3Foa2lHOXcwQkFRRUZBQVNDQktrd2dn
  key: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUQzakNDQXNZQ0NRRGZYZkhoanBCZHNEQU5CZ2txaGtpRzl

loglevel: debug
`

test("the original's own sample: refused for nothing but its swapped key and certificate", async () => {
  await using place = await workplace()
  const error = await complaint(place.load(documented))
  expect(error.code).toBe('CONFIG_PEM_SWAPPED')
  expect(error.message).toContain('ssl.cert holds a private key and ssl.key holds a certificate: they are swapped')
})

test("the original's sample without ssl: three hosts, base64 passwords decoded", async () => {
  await using place = await workplace()
  const config = await place.load(documented.replace(/ssl:\n.*\n.*\n/, ''))
  expect(config.hosts.map(({name}) => name)).toEqual(['host1', 'host2', 'host3'])
  expect(config.hosts[0]?.connection.password).toEqual({from: 'config', text: 'pa$$w0rd'})
  expect(config.groups).toMatchObject([{name: 'all', hosts: ['host1', 'host2', 'host3'], confirm: []}])
  expect(config).toMatchObject({bind: '127.0.0.1', port: 8443, log: {level: 'debug'}, warnings: []})
})
