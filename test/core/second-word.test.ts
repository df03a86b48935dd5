import {describe, expect, test} from 'vitest'
import type {Decision} from '../../src/core/snapshot.ts'
import {judgementOf, NOW, primary, standby} from '../support/records.ts'

/** It is asked 20 ms ago; its run of answers as a primary began `sinceAgo` ms ago. */
const candidate = (sinceAgo: number, lsn = '0/3000000') =>
  primary('a', {ageMs: 20, probeMs: 15, lsn, more: {primarySince: NOW - sinceAgo, answersSince: NOW - sinceAgo}})
/** It answered 5 ms ago, after the primary was asked. */
const further = standby('b', {of: 'a', ageMs: 6, lsn: '0/3000100', more: {answersSince: NOW - 5_000}})
const headless: Decision = {kind: 'no-primary', rule: 'V5', primary: null, routedTo: null, why: ''}
const named: Decision = {kind: 'primary', rule: 'V4', primary: 'a', routedTo: 'a', why: ''}

const ruling = (hosts: Parameters<typeof judgementOf>[0]['hosts'], before: Decision) => {
  const {rule, situation, routedTo} = judgementOf({hosts, before}).verdict
  return {rule, situation, routedTo}
}
const again = {rule: 'V3', situation: 'asking-again', routedTo: null}
const routed = {rule: 'V4', situation: 'healthy', routedTo: 'a'}

describe('S19: a standby that answered later is beyond the first word of a new primary', () => {
  test('it is asked once more, and not routed to: it may have lost that', () =>
    expect(ruling([candidate(20), further], headless)).toEqual(again))
  test('its second word is enough, else a slow way would never end it', () =>
    expect(ruling([candidate(500), further], headless)).toEqual(routed))
  test('a primary that is routed to already is not asked again', () =>
    expect(ruling([candidate(20), further], named)).toEqual(routed))
  test('a standby that is not beyond it is no reason', () =>
    expect(ruling([candidate(20, '0/3000100'), further], headless)).toEqual(routed))
  test('nor is one on an earlier timeline', () => {
    const promoted = primary('a', {ageMs: 20, timeline: 2, more: {primarySince: NOW - 20, answersSince: NOW - 9_000}})
    expect(ruling([promoted, further], headless)).toMatchObject({rule: 'V4', routedTo: 'a'})
  })
})
