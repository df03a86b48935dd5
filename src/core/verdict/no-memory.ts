import type {MemoryStore} from '../ports.ts'
import {nothingRemembered} from './group-memory.ts'

/** For a monitor that neither remembers nor is remembered. */
export const noMemory: MemoryStore = {load: async () => nothingRemembered, save: async () => {}}
