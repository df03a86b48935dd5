import {emptyImage, type Instance, type SetImage, type Stamped, type StampedRecord} from '../../cluster/record.ts'
import type {Maintenance} from '../../core/snapshot.ts'
import type {KeyEvent, KeyValue, RangeAnswer} from '../../etcd/key-value.ts'
import {readInstance, readMaintenance, readRecord} from './codec.ts'

/** The keys of one set: who is alive, the record of each group, and what holds for the whole set. */
export type Keys = Readonly<{
  prefix: string
  instance: (id: string) => string
  group: (name: string) => string
  adopted: string
  maintenance: string
}>

export function keysOf(set: string): Keys {
  const prefix = `/pgroute66/${set}/`
  return {
    prefix,
    instance: (id) => `${prefix}instances/${id}`,
    group: (name) => `${prefix}groups/${name}`,
    adopted: `${prefix}config`,
    maintenance: `${prefix}maintenance`,
  }
}

/** What the keys of the set say, brought up to date by a watch. */
export class Mirror {
  readonly #keys: Keys
  #image: SetImage = emptyImage

  constructor(keys: Keys) {
    this.#keys = keys
  }

  get image(): SetImage {
    return this.#image
  }

  /** All keys at once. `isRestored`: etcd has lost revisions that it has told. */
  all({kvs, revision}: RangeAnswer, isRestored: boolean): SetImage {
    const history = this.#image.history + Number(isRestored)
    const image = kvs.reduce((made, kv) => this.#with(made, kv), {...emptyImage, revision, history})
    // An answer may come after a watch has told later events.
    if (isRestored || revision >= this.#image.revision) this.#image = image
    return this.#image
  }

  events(events: readonly KeyEvent[], revision: bigint): SetImage {
    const news = events.filter(({kv}) => kv.modRevision > this.#image.revision)
    let image = this.#image
    for (const {type, kv} of news) image = type === 'put' ? this.#with(image, kv) : this.#without(image, kv.key)
    this.#image = revision > image.revision ? {...image, revision} : image
    return this.#image
  }

  #with(image: SetImage, {key, value, modRevision: revision}: KeyValue): SetImage {
    const {adopted, maintenance} = this.#keys
    const [instance, group] = this.#namesIn(key)
    if (instance !== null) {
      const read = readInstance(value)
      return read?.id === instance ? {...image, instances: withKey(image.instances, instance, read)} : image
    }
    if (group !== null) {
      const record: StampedRecord = {value: readRecord(value) ?? 'unreadable', revision}
      return {...image, groups: withKey(image.groups, group, record)}
    }
    if (key === adopted) return {...image, adopted: {value, revision}}
    if (key === maintenance) return {...image, maintenance: maintenanceIn(value, revision)}
    return image
  }

  #without(image: SetImage, key: string): SetImage {
    const {adopted, maintenance} = this.#keys
    const [instance, group] = this.#namesIn(key)
    if (instance !== null) return {...image, instances: withoutKey(image.instances, instance)}
    if (group !== null) return {...image, groups: withoutKey(image.groups, group)}
    if (key === adopted) return {...image, adopted: emptyImage.adopted}
    return key === maintenance ? {...image, maintenance: emptyImage.maintenance} : image
  }

  #namesIn(key: string): readonly [instance: string | null, group: string | null] {
    const {prefix} = this.#keys
    const [, kind, name = ''] = /^(instances|groups)\/(.+)$/.exec(key.slice(prefix.length)) ?? []
    return [kind === 'instances' ? name : null, kind === 'groups' ? name : null]
  }
}

const maintenanceIn = (value: string, revision: bigint): Stamped<Maintenance | null> => ({
  // What cannot be read is one all the same: routers stay as they are.
  value: readMaintenance(value) ?? {since: 0, by: 'a later version', reason: null, until: null},
  revision,
})

const withKey = <T>(map: ReadonlyMap<string, T>, key: string, value: T): ReadonlyMap<string, T> =>
  new Map(map).set(key, value)

function withoutKey<T>(map: ReadonlyMap<string, T>, key: string): ReadonlyMap<string, T> {
  const less = new Map(map)
  less.delete(key)
  return less
}

/** Instances that the image lists, us included. */
export const instancesIn = ({instances}: SetImage): readonly Instance[] => [...instances.values()]
