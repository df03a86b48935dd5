import {page} from '../page/page.ts'
import {script} from '../page/script.ts'
import {style} from '../page/style.ts'
import type {Route} from '../route.ts'
import {text} from '../schema.ts'

/**
 * The page loads nothing but its own two files, sends no form, and cannot be framed. No inline
 * script or style runs, so a text that came through as a tag would do nothing.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
const headers = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

const file = (path: string, type: string, summary: string, content: string): Route => ({
  method: 'GET',
  path,
  summary,
  parameters: [],
  answers: {200: 'the file'},
  type,
  body: text,
  handle: () => ({status: 200, body: content, type, headers}),
})

const pageType = 'text/html; charset=utf-8'

/** The status page for people, who may read what `/v1/snapshot` has. It gives no order, and knows no token. */
export const pageRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/',
    summary: 'A status page for people: verdict, hosts, routers and the last changes.',
    parameters: [],
    answers: {200: 'the page'},
    type: pageType,
    body: text,
    handle: (_, {source, routers, pastChanges, clock}) => {
      const content = {snapshot: source.current(), routers: routers(), changes: pastChanges(), wall: clock.wall()}
      return {status: 200, body: page(content), type: pageType, headers}
    },
  },
  file('/page.css', 'text/css; charset=utf-8', 'The style sheet of the status page.', style),
  file('/page.js', 'text/javascript; charset=utf-8', 'The script of the status page.', script),
]
