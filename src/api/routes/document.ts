import {json, jsonType} from '../answer.ts'
import {openApi} from '../openapi.ts'
import type {Route} from '../route.ts'
import {record, type Schema, text} from '../schema.ts'

const anyObject: Schema = {type: 'object'}

/** The OpenAPI document of all routes, this one included. */
export function documentRoute(others: readonly Route[], version: string): Route {
  const route: Route = {
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document.',
    parameters: [],
    answers: {200: 'OpenAPI 3.1'},
    type: jsonType,
    body: {...record({openapi: text, info: anyObject, paths: anyObject}), additionalProperties: true},
    handle: () => answer,
  }
  const answer = json(200, openApi([...others, route], version))
  return route
}
