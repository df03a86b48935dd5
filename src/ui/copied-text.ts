import {textFor} from './events/changes-view.ts'
import type {Frame} from './frame.ts'
import type {Screen} from './screen.ts'
import type {ScreenState} from './screen-state.ts'
import {rowOf} from './table/row.ts'
import {printable} from './text/cells.ts'
import type {Glyphs} from './text/glyphs.ts'
import {glyphsFor} from './text/glyphs.ts'

/**
 * The line that the key y copies: the selected change, else the selected host with its numbers. A line
 * break that a server wrote would make a shell run what is pasted.
 */
export const copiedText = (screen: Screen, state: ScreenState, frame: Frame): string =>
  printable(rawText(screen, state, frame))

function rawText({changes, selected}: Screen, {view, cursor}: ScreenState, frame: Frame): string {
  const change = cursor ?? changes[0]
  if (view === 'changes') return change === undefined ? '' : textFor(change)
  const host = selected === null ? undefined : frame.snapshot.hosts[selected]
  if (host === undefined) return ''
  const {texts, because} = rowOf(host, frame, plain)
  const {role, timeline, lsn, lagBytes, lagTime, upstream, notes} = texts
  const facts = [
    `${host.host} ${host.address}:${host.port}`,
    role.replace(/^\S+ /, ''),
    because ?? '',
    timeline && `timeline ${timeline}`,
    lsn && `lsn ${lsn}`,
    lagBytes && `lag ${lagBytes} ${lagTime}`,
    upstream && `upstream ${upstream}`,
    notes,
  ]
  return facts.filter(Boolean).join(', ')
}

const plain: Glyphs = glyphsFor({})

/** OSC 52, which most terminals take: the text goes to the clipboard of the reader's machine. */
export const clipboardSequence = (text: string): string =>
  `\u001b]52;c;${Buffer.from(text, 'utf8').toString('base64')}\u0007`
