import type {Shape} from './shape.ts'
import {isMapping, type Node} from './yaml-node.ts'

/** Two ways to write one value: `first` where `isFirst` holds for the node, else `second`. */
export function alternative<A, B>(isFirst: (node: Node) => boolean, first: Shape<A>, second: Shape<B>): Shape<A | B> {
  return {
    absent: first.absent,
    schema: {anyOf: [first.schema, second.schema]},
    read: (node, path, report) => (isFirst(node) ? first.read(node, path, report) : second.read(node, path, report)),
  }
}

/** A single value or list by the first shape; a mapping by the second. */
export const orMapping = <A, B>(plain: Shape<A>, mapping: Shape<B>): Shape<A | B> =>
  alternative((node) => !isMapping(node), plain, mapping)
