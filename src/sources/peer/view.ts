import {type PeerView, viewFromWire} from '../../protocol/view-reader.ts'

/** What a peer sees of this group by its own SQL. Throws SyntaxError on anything else. */
export function viewOf(text: string, group: string): PeerView {
  const view = viewFromWire(jsonOf(text))
  if (view.group !== group) throw new SyntaxError(`it sent the group ${JSON.stringify(view.group)}`)
  return view
}

/** Throws SyntaxError without the text, which may be of any kind. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new SyntaxError('it sent something else than JSON')
  }
}
