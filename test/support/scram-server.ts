import {createHash, createHmac, pbkdf2Sync} from 'node:crypto'

const [salt, iterations] = [Buffer.from('pgroute66 knows one salt'), 4096]

/** A server keeps what it derives from a password, so that a login costs the client alone. */
const derived = new Map<string, Buffer>()
function saltedOf(password: string): Buffer {
  const salted = derived.get(password) ?? pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  derived.set(password, salted)
  return salted
}

/**
 * The server's part of SCRAM-SHA-256 (RFC 5802) for the one who knows `password`: what the client
 * says first and last, and what it hears.
 */
export function scramServer(password: string) {
  let first = ''
  let said = ''
  return {
    /** `clientFirst`: with its header "n,,". */
    challenge(clientFirst: string): string {
      first = clientFirst.replace(/^[^,]*,[^,]*,/, '')
      said = `${first.replace(/^.*r=/, 'r=')}server,s=${salt.toString('base64')},i=${iterations}`
      return said
    },
    /** `null`: that is not the password. */
    verdict(clientFinal: string): string | null {
      const [, bare = '', proof = ''] = /^(.*),p=(.*)$/.exec(clientFinal) ?? []
      const salted = saltedOf(password)
      const signed = `${first},${said},${bare}`
      const clientKey = hmac(salted, 'Client Key')
      const signature = hmac(createHash('sha256').update(clientKey).digest(), signed)
      const expected = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)))
      return expected.toString('base64') === proof
        ? `v=${hmac(hmac(salted, 'Server Key'), signed).toString('base64')}`
        : null
    },
  }
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
