import type {PoolRole} from '../../../core/offers/pools.ts'

export const poolRoles = ['primary', 'replica', 'read-only'] as const satisfies readonly PoolRole[]
