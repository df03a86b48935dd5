import pg from 'pg'

/** The rows of one statement, on a connection of its own. */
export async function askOnce(settings: pg.ClientConfig, text: string) {
  const client = new pg.Client(settings)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
