import {type ChildProcess, spawn} from 'node:child_process'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

const program = '/usr/bin/chromium'

/** How a page is opened. `isDark`: the reader prefers dark colours. */
export type PageOptions = Readonly<{width?: number; height?: number; isDark?: boolean; hasScript?: boolean}>

/** One page of a headless Chromium, over its DevTools protocol. */
export interface BrowserPage {
  /** The value of an expression in the page, as JSON. Throws where it throws. */
  read<T>(expression: string): Promise<T>
  /** A PNG of the whole page. */
  screenshot(path: string): Promise<void>
  /** What the page has written to the console as an error, broken rules of its policy included. */
  readonly errors: readonly string[]
}

export interface Browser extends AsyncDisposable {
  open(url: string, options?: PageOptions): Promise<BrowserPage>
}

type Message = Readonly<{
  id?: number
  method?: string
  params?: unknown
  sessionId?: string
  result?: unknown
  error?: {message: string}
}>
type Send = (method: string, params?: object, sessionId?: string) => Promise<Readonly<Record<string, unknown>>>

export async function startChromium(): Promise<Browser> {
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-chromium-'))
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--hide-scrollbars',
    '--no-first-run',
    '--disable-dev-shm-usage',
  ]
  const child = spawn(program, [...flags, `--user-data-dir=${folder}`, '--remote-debugging-port=0', 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  const socket = new WebSocket(await endpointOf(child))
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })
  const {send, listen} = conversation(socket)
  return {
    open: (url, options) => openPage(url, options ?? {}, send, listen),
    async [Symbol.asyncDispose]() {
      socket.close()
      const ended = new Promise((resolve) => child.once('exit', resolve))
      // Its children are in its process group.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await ended
      await rm(folder, {recursive: true, force: true, maxRetries: 10, retryDelay: 100})
    },
  }
}

function endpointOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      const found = /DevTools listening on (ws:\S+)/.exec(text)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.once('exit', (code) => reject(new Error(`chromium ended with ${code}: ${text.slice(-2_000)}`)))
  })
}

function conversation(socket: WebSocket) {
  const waiting = new Map<number, {resolve: (result: never) => void; reject: (error: Error) => void}>()
  const listeners = new Set<(message: Message) => void>()
  let last = 0
  socket.addEventListener('message', ({data}) => {
    const message = JSON.parse(String(data)) as Message
    const asked = message.id === undefined ? undefined : waiting.get(message.id)
    if (asked === undefined) for (const listener of listeners) listener(message)
    else if (message.error) asked.reject(new Error(message.error.message))
    else asked.resolve(message.result as never)
  })
  const send: Send = (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      last += 1
      waiting.set(last, {resolve, reject})
      socket.send(JSON.stringify({id: last, method, params, ...(sessionId !== undefined && {sessionId})}))
    })
  return {send, listen: (listener: (message: Message) => void) => void listeners.add(listener)}
}

async function openPage(
  url: string,
  {width = 1400, height = 1000, isDark = false, hasScript = true}: PageOptions,
  send: Send,
  listen: (listener: (message: Message) => void) => void,
): Promise<BrowserPage> {
  const {targetId} = await send('Target.createTarget', {url: 'about:blank'})
  const {sessionId} = (await send('Target.attachToTarget', {targetId, flatten: true})) as {sessionId: string}
  const ask = (method: string, params?: object) => send(method, params, sessionId)
  const errors: string[] = []
  const {promise: loaded, resolve: isLoaded} = Promise.withResolvers<void>()
  listen(({method, params, sessionId: from}) => {
    if (from !== sessionId) return
    if (method === 'Page.loadEventFired') isLoaded()
    if (method === 'Log.entryAdded') errors.push((params as {entry: {text: string}}).entry.text)
    if (method === 'Runtime.exceptionThrown') errors.push(JSON.stringify(params))
  })
  await ask('Page.enable')
  await ask('Log.enable')
  await ask('Runtime.enable')
  await ask('Emulation.setDeviceMetricsOverride', {width, height, deviceScaleFactor: 1, mobile: width < 500})
  const features = [{name: 'prefers-color-scheme', value: isDark ? 'dark' : 'light'}]
  await ask('Emulation.setEmulatedMedia', {features})
  if (!hasScript) await ask('Emulation.setScriptExecutionDisabled', {value: true})
  await ask('Page.navigate', {url})
  await loaded
  return {
    errors,
    async read(expression) {
      const asked = {expression, returnByValue: true, awaitPromise: true}
      const {result, exceptionDetails} = (await ask('Runtime.evaluate', asked)) as {
        result: {value: never}
        exceptionDetails?: {text: string; exception?: {description: string}}
      }
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
      return result.value
    },
    async screenshot(path) {
      const {data} = await ask('Page.captureScreenshot', {captureBeyondViewport: true})
      await writeFile(path, Buffer.from(data as string, 'base64'))
    },
  }
}
