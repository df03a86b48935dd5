/**
 * The script of the page. It renders nothing itself: at each change, and every two seconds while the
 * page is seen, it asks for the page again and takes over the parts that differ. A page that could
 * not be renewed says so.
 */
export const script = `'use strict'
const everyMs = 2000
const oldMs = Math.max(5000, Number(document.body.dataset.maxAge))
let renewedAt = Date.now()
let isAsking = false
let isDue = false

async function renew() {
  isDue = isAsking
  if (isAsking) return
  isAsking = true
  try {
    const response = await fetch('/', {cache: 'no-store', signal: AbortSignal.timeout(5000)})
    if (!response.ok) throw new Error(String(response.status))
    take(new DOMParser().parseFromString(await response.text(), 'text/html'))
    renewedAt = Date.now()
  } catch {
    // The page grows old, which it says.
  }
  isAsking = false
  tellAge()
  if (isDue) setTimeout(renew, 200)
}

function take(next) {
  for (const part of next.querySelectorAll('[data-part]')) {
    const present = document.querySelector('[data-part="' + part.dataset.part + '"]')
    if (present !== null && present.innerHTML !== part.innerHTML) present.replaceChildren(...part.childNodes)
  }
  document.title = next.title
}

function tellAge() {
  const ageMs = Date.now() - renewedAt
  const isOld = ageMs > oldMs
  const old = document.getElementById('old')
  document.body.classList.toggle('old', isOld)
  const seconds = Math.round(ageMs / 1000)
  const text = isOld ? 'The daemon has not answered for ' + seconds + ' s. What this page shows is old.' : ''
  if (old.textContent !== text) old.textContent = text
  old.hidden = !isOld
}

const events = new EventSource('/v1/events?samples=0')
events.addEventListener('change', renew)
events.addEventListener('snapshot', renew)
setInterval(() => {
  tellAge()
  if (document.visibilityState === 'visible') renew()
}, everyMs)
document.addEventListener('visibilitychange', renew)
`
