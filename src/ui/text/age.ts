const two = (value: number) => String(value).padStart(2, '0')

const dayMs = 24 * 3_600_000

/** The local time of day; with the date where `wall` is a day or more before `now`. */
export function timeText(wall: number, now = wall): string {
  const at = new Date(wall)
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  return now - wall < dayMs ? time : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`
}
