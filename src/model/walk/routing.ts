import { toCluster } from './connecting';
import { Ending, Journey } from './journey';
import { AtProxy, Next } from './next';
import { FieldRef } from '../answer';
import { stopAtUnknownField } from '../cluster';
import { Destination } from '../destination';
import { fieldRef } from '../field-ref';
import { Flow } from '../flow';
import { firstMatchingEntry, RouteEntry } from '../http-route';
import { Undetermined } from '../undetermined';
import { VirtualHost } from '../virtual-hosts';

/**
 * A request that a proxy reads, through one virtual host: to a cluster, or to an answer that the proxy gives itself.
 */
export function route(journey: Journey, at: AtProxy, host: VirtualHost): Next {
  const { hop, flow } = at;
  const { method, path, authority } = flow.http!;
  if (!host.routes) return toCluster(journey, at, host.own!, host.decidedBy);
  const entry = firstMatchingEntry(host.routes, flow.http!);
  if (!entry) {
    journey.step(hop, `no route of the VirtualService matches ${method} ${path}: 404`, host.decidedBy);
    return journey.refuse(hop, 404, `no route matches ${method} ${path} to ${authority}`, host.decidedBy);
  }
  const { http, object, field } = entry;
  stopAtUnknownField(object, object.spec, 'virtualService');
  stopAtUnknownField(object, http, 'httpRoute', field);
  if (http.corsPolicy && method === 'OPTIONS') {
    throw new Undetermined('the model does not answer CORS preflight requests', [
      fieldRef(object, `${field}.corsPolicy`),
    ]);
  }
  const answered = fault(journey, at, entry) ?? redirect(journey, at, entry) ?? directResponse(journey, at, entry);
  if (answered) return answered;
  if (http.mirror || http.mirrors?.length) {
    const decidedBy = [fieldRef(object, `${field}.${http.mirror ? 'mirror' : 'mirrors'}`)];
    journey.remark({
      code: 'mirrored',
      message: 'a copy of the request is mirrored to another destination',
      decidedBy,
    });
  }
  if (entry.destinations.length === 0)
    return journey.refuse(hop, 503, 'the route has no destination', [fieldRef(object, `${field}.route`)]);
  const destination = chooseDestination(journey, entry.destinations);
  return toCluster(journey, { ...at, flow: rewritten(flow, entry, destination.headers) }, destination, [
    ...(entry.matchField === undefined ? [] : [fieldRef(object, entry.matchField)]),
    ...destination.decidedBy,
  ]);
}

/** Bytes that a proxy forwards without reading them as HTTP. */
export function forward(
  journey: Journey,
  at: AtProxy,
  destinations: readonly Destination[],
  decidedBy: readonly FieldRef[],
): Next {
  if (destinations.length === 0) return journey.refuse(at.hop, undefined, 'the route has no destination', decidedBy);
  const destination = chooseDestination(journey, destinations);
  return toCluster(journey, at, destination, [...decidedBy, ...destination.decidedBy]);
}

/** One of a route's destinations, by weight. */
function chooseDestination<D extends Destination>(journey: Journey, destinations: readonly D[]): D {
  return destinations[
    journey.choose(
      destinations.map(({ weight, host, subset }) => ({
        weight,
        because: `the route sends ${weight}% to ${host}${subset === undefined ? '' : `, subset ${subset}`}`,
      })),
    )
  ];
}

function fault(journey: Journey, { hop }: AtProxy, { object, field, http }: RouteEntry): Ending | undefined {
  const abort = http.fault?.abort;
  if (!abort) return undefined;
  stopAtUnknownField(object, http.fault, 'fault', `${field}.fault`);
  stopAtUnknownField(object, abort, 'abort', `${field}.fault.abort`);
  const share: number = abort.percentage?.value ?? (abort.percentage ? 0 : 100);
  if (share <= 0) return undefined;
  const isAborted =
    share >= 100 ||
    journey.choose([
      { weight: 100 - share, because: `${100 - share}% of the requests are not aborted` },
      { weight: share, because: `${share}% of the requests are aborted with ${abort.httpStatus}` },
    ]) === 1;
  if (!isAborted) return undefined;
  const cause = fieldRef(object, `${field}.fault.abort`);
  journey.step(hop, `injected fault: aborts with ${abort.httpStatus}`, [cause]);
  return journey.refuse(hop, abort.httpStatus, 'the route injects a fault', [cause]);
}

function redirect(
  journey: Journey,
  { hop, flow, port }: AtProxy,
  { object, field, http }: RouteEntry,
): Ending | undefined {
  const given = http.redirect;
  if (!given) return undefined;
  stopAtUnknownField(object, given, 'redirect', `${field}.redirect`);
  if (given.prefixRewrite) {
    throw new Undetermined('the model does not follow redirects with a prefixRewrite', [
      fieldRef(object, `${field}.redirect.prefixRewrite`),
    ]);
  }
  const status: number = given.redirectCode || 301;
  const { authority, path } = flow.http!;
  const scheme: string = given.scheme || flow.http!.scheme || 'http';
  const toPort: number | undefined = given.port ?? (given.derivePort === 'FROM_REQUEST_PORT' ? port : undefined);
  const isUsual = (scheme === 'http' && toPort === 80) || (scheme === 'https' && toPort === 443);
  const base = (given.authority || authority) as string;
  const host = toPort !== undefined || given.scheme ? base.replace(/:\d+$/, '') : base;
  journey.location = `${scheme}://${host}${toPort === undefined || isUsual ? '' : `:${toPort}`}${given.uri || path}`;
  const cause = fieldRef(object, `${field}.redirect`);
  journey.step(hop, `redirects with ${status} to ${journey.location}`, [cause]);
  return journey.refuse(hop, status, `the route redirects to ${journey.location}`, [cause]);
}

function directResponse(journey: Journey, { hop }: AtProxy, { object, field, http }: RouteEntry): Ending | undefined {
  if (!http.directResponse) return undefined;
  const { status } = http.directResponse;
  const cause = fieldRef(object, `${field}.directResponse`);
  journey.step(hop, `direct response: ${status}`, [cause]);
  return journey.refuse(hop, status, `the route gives the direct response ${status}`, [cause]);
}

/** The request as a route rewrites it: authority, path, headers added and removed. */
function rewritten(flow: Flow, { object, field, http }: RouteEntry, destinationHeaders: any): Flow {
  if (!http.rewrite && !http.headers && !http.timeout && !destinationHeaders) return flow;
  const request = { ...flow.http!, headers: new Map(flow.http!.headers) };
  const added = new Set(flow.added);
  if (http.timeout && !/^0+(s|ms|m|h)$/.test(http.timeout)) added.add('x-envoy-expected-rq-timeout-ms');
  let authority: string | undefined;
  for (const headers of [destinationHeaders, http.headers]) {
    for (const [name, value] of Object.entries<string>({ ...headers?.request?.add, ...headers?.request?.set })) {
      if (/^(host|:authority)$/i.test(name)) {
        authority = value;
        continue;
      }
      if (!request.headers.has(name.toLowerCase())) added.add(name.toLowerCase());
      request.headers.set(name.toLowerCase(), value);
    }
    for (const name of headers?.request?.remove ?? []) {
      added.delete(name.toLowerCase());
      request.headers.delete(name.toLowerCase());
    }
  }
  if (http.rewrite) {
    stopAtUnknownField(object, http.rewrite, 'rewrite', `${field}.rewrite`);
    authority = http.rewrite.authority || authority;
    if (http.rewrite.uri || http.rewrite.uriRegexRewrite) added.add('x-envoy-original-path');
  }
  if (authority !== undefined && authority !== request.authority) {
    request.authority = authority;
    added.add('x-envoy-original-host');
  }
  return { ...flow, http: request, added };
}
