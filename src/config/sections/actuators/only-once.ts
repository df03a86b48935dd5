import type {Report} from '../../reading/report.ts'

/** Two entries that write to one place would undo each other's work. An empty place does not count. */
export function onlyOnce(places: readonly string[], pathOf: (index: number) => string, report: Report): void {
  places.forEach((place, index) => {
    const first = places.indexOf(place)
    if (first < index && place !== '')
      report.refuse(pathOf(index), 'CONFIG_CONFLICT', `is the same as ${pathOf(first)}`, 'Make one entry of the two.')
  })
}
