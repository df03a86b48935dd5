import type {EventStream} from './event-stream.ts'
import type {Route} from './route.ts'

import {changesRoute} from './routes/changes.ts'
import {checkRoute} from './routes/check.ts'
import {documentRoute} from './routes/document.ts'
import {eventRoute} from './routes/events.ts'
import {haproxyRoute} from './routes/haproxy.ts'
import {healthRoutes} from './routes/health.ts'
import {instanceRoutes} from './routes/instances.ts'
import {metricsRoute} from './routes/metrics.ts'
import {nodeRoutes} from './routes/node.ts'
import {orderRoutes} from './routes/orders.ts'
import {pageRoutes} from './routes/page.ts'
import {primaryRoutes} from './routes/primary.ts'
import {probeRoutes} from './routes/probes.ts'
import {reloadRoute} from './routes/reload.ts'
import {routersRoute} from './routes/routers.ts'
import {snapshotRoutes} from './routes/snapshot.ts'
import {switchoverRoute} from './routes/switchover.ts'
import {unknownAddressesRoute} from './routes/unknown-addresses.ts'
import {viewRoute} from './routes/view.ts'

/** Every path there is. */
export function allRoutes(
  {all, own}: Readonly<{all: EventStream; own: EventStream | null}>,
  version: string,
): readonly Route[] {
  const routes = [
    ...primaryRoutes(),
    ...nodeRoutes,
    ...snapshotRoutes,
    ...healthRoutes,
    haproxyRoute,
    eventRoute(all, own),
    changesRoute,
    viewRoute,
    ...instanceRoutes,
    routersRoute,
    checkRoute,
    unknownAddressesRoute,
    ...orderRoutes,
    switchoverRoute,
    reloadRoute,
    ...probeRoutes,
    metricsRoute,
    ...pageRoutes,
  ]
  return [...routes, documentRoute(routes, version)]
}
