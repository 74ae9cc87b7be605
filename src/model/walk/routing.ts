import { toCluster } from './connecting';
import { Ending, Leg } from './journey';
import { copiesOf } from './mirroring';
import { AtProxy, Next } from './next';
import { withoutPort } from '../objects/host-names';
import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { Flow } from './flow';
import { Destination } from '../routes/destination';
import { firstMatchingEntry, matchesText, RouteEntry } from '../routes/matching';
import { changedPath } from '../routes/path-rewrite';
import { HeaderChanges, HttpAction, HttpRoute, Preflights } from '../routes/route';
import { HttpRequest, isOfApplications, isOfConnection, isOfGrpc, isToken, isUnsaid } from '../requests/http-request';
import { Undetermined } from '../answer/undetermined';
import { excessOf } from '../../istio/envoy';
import { isAuthority } from '../../istio/hosts';
import { VirtualHost } from '../proxies/virtual-hosts';

/**
 * A request that a proxy reads, through one virtual host: to a cluster, or to an answer that the proxy gives itself.
 */
export function route(leg: Leg, arrived: AtProxy, host: VirtualHost): Next {
  const { hop, scope, flow, address, port } = arrived;
  const at: AtProxy = { hop, scope, flow, address, port, reads: true };
  const { method, path, authority } = flow.http!;
  if (!host.routes) return toCluster(leg, at, host.own!, host.decidedBy);
  const entry = firstMatchingEntry(host.routes, flow.http!);
  if (!entry) {
    leg.step(hop, 'ends', `no route of the VirtualService matches ${method} ${path}: 404`, host.decidedBy);
    return leg.refuse(hop, 404, `no route matches ${method} ${path} to ${authority}`, host.decidedBy);
  }
  const { rule, match } = entry;
  if (rule.unknown) throw rule.unknown;
  leg.relocatedBy ??= rule.relocates;
  const fault = delay(leg, at, rule) ?? abort(leg, at, rule);
  if (fault) return fault;
  if (rule.action.kind === 'redirect') return redirect(leg, at, rule.action, entry);
  if (rule.action.kind === 'respond') return respond(leg, at, rule.action);
  if (rule.preflights && answersPreflight(rule.preflights, flow.http!)) {
    leg.step(hop, 'ends', 'answers the CORS preflight request: 200', [rule.preflights.where]);
    return leg.refuse(hop, 200, 'the route answers CORS preflight requests', [rule.preflights.where]);
  }
  if (entry.destinations.length === 0) return leg.refuse(hop, 503, 'the route has no destination', [rule.action.where]);
  leg.limits = [...leg.limits, ...rule.limits.map((one) => ({ ...one, hop }))];
  if (rule.retries) leg.retries.push(rule.retries);
  const destination = chooseDestination(leg, entry.destinations);
  leg.responses.push(...rule.responses, ...(destination.responses ?? []));
  const excess = excessOf(leg.responses);
  if (excess !== undefined)
    throw new Undetermined(`routes set ${excess} of responses, which whoever reads them may refuse`, [
      fieldRef(rule.object, 'spec.http'),
    ]);
  const changed = { ...at, flow: rewritten(flow, entry, destination) };
  const next = toCluster(leg, changed, destination, [...(match ? [match.where] : []), ...destination.decidedBy]);
  const copies = copiesOf(leg, changed, rule);
  return next.to === undefined || copies.length === 0 ? next : { ...next, copies };
}

/**
 * Whether a proxy itself answers a request with which a browser asks if it may send another one. An origin that matches
 * `*` stands for all.
 */
function answersPreflight({ origins, ignoresOthers, where }: Preflights, { method, headers }: HttpRequest): boolean {
  const origin = headers.get('origin');
  if (method !== 'OPTIONS' || !origin || !headers.get('access-control-request-method')) return false;
  return ignoresOthers || origins.some((one) => ['*', origin].some((text) => matchesText(text, one, where)));
}

/** Bytes that a proxy forwards without reading them as HTTP. */
export function forward(
  leg: Leg,
  at: AtProxy,
  destinations: readonly Destination[],
  decidedBy: readonly FieldRef[],
): Next {
  if (destinations.length === 0) return leg.refuse(at.hop, undefined, 'the route has no destination', decidedBy);
  const destination = chooseDestination(leg, destinations);
  return toCluster(leg, at, destination, [...decidedBy, ...destination.decidedBy]);
}

/** One of a route's destinations, by weight. */
function chooseDestination(leg: Leg, destinations: readonly Destination[]): Destination {
  if (destinations.length === 1) return destinations[0];
  return destinations[
    leg.choose(
      destinations.map(({ weight, host, subset }) => ({
        weight,
        because: `the route sends ${weight}% to ${host}${subset === undefined ? '' : `, subset ${subset}`}`,
      })),
    )
  ];
}

/** An injected delay. The limits of this route do not count it, those of the proxies before do. */
function delay(leg: Leg, { hop }: AtProxy, { delay: given }: HttpRoute): Ending | undefined {
  if (!given || leg.limits.length === 0 || given.share <= 0) return undefined;
  const { share, milliseconds, where } = given;
  if (!leg.isAmong(share, 'delayed', ` by ${milliseconds} ms`)) return undefined;
  const limit = leg.limitWithin(milliseconds);
  leg.limits = leg.limits.map((one) => ({ ...one, passed: (one.passed ?? 0) + milliseconds }));
  if (!limit) return undefined;
  const reason = `the route delays the request by ${milliseconds} ms, and one before it waits ${limit.milliseconds} ms`;
  leg.step(hop, 'ends', `injected fault: ${reason}`, [where]);
  return leg.refuse(hop, 504, reason, [limit.cause, where]);
}

function abort(leg: Leg, { hop, flow }: AtProxy, { abort: given }: HttpRoute): Ending | undefined {
  if (!given || given.share <= 0) return undefined;
  const { share, grpcStatus, where } = given;
  const ofGrpc = flow.speak === 'grpc' ? grpcStatus : undefined;
  if (ofGrpc !== undefined && ofGrpc !== 'UNAVAILABLE')
    throw new Undetermined(`access tables have no word for the status ${ofGrpc} of gRPC`, [where]);
  const status = ofGrpc === undefined ? given.status : 503;
  if (!leg.isAmong(share, 'aborted', ` with ${status}`)) return undefined;
  leg.step(hop, 'ends', `injected fault: aborts with ${status}`, [where]);
  return leg.refuse(hop, status, 'the route injects a fault', [where]);
}

function redirect(
  leg: Leg,
  { hop, flow, port: asked }: AtProxy,
  action: HttpAction & { readonly kind: 'redirect' },
  { match }: RouteEntry,
): Ending {
  const { status, where } = action;
  const { path, forwardedProto = 'http' } = flow.http!;
  // istiod leaves out a usual port, and then Envoy keeps that of the request.
  const meant = action.scheme ?? (hop === 'gateway' ? forwardedProto : 'http');
  const given = action.port === 'as-asked' ? asked : action.port;
  const port = given === (meant === 'https' ? 443 : 80) ? undefined : given;
  const scheme = action.scheme ?? flow.http!.scheme ?? 'http';
  const base = action.authority ?? keptAuthority(flow.http!, scheme);
  const host = port === undefined ? base : withoutPort(base);
  const target = changedPath(path, action.path, match?.path);
  leg.location = `${scheme}://${host}${port === undefined ? '' : `:${port}`}${target}`;
  leg.step(hop, 'ends', `redirects with ${status} to ${leg.location}`, [where]);
  return leg.refuse(hop, status, `the route redirects to ${leg.location}`, [where]);
}

/** The authority of a redirect that names none: its port stays, unless it is the usual one of another scheme. */
function keptAuthority({ authority, forwardedProto }: HttpRequest, scheme: string): string {
  if (scheme === forwardedProto) return authority;
  return authority.replace(forwardedProto === 'https' ? /:443$/ : /:80$/, '');
}

function respond(
  leg: Leg,
  { hop, flow }: AtProxy,
  { status, where }: HttpAction & { readonly kind: 'respond' },
): Ending {
  const { path, scheme = 'http' } = flow.http!;
  // Envoy says where to go in every such response, and that is where the request came to.
  leg.location = `${scheme}://${keptAuthority(flow.http!, scheme)}${path}`;
  leg.step(hop, 'ends', `direct response: ${status}`, [where]);
  return leg.refuse(hop, status, `the route gives the direct response ${status}`, [where]);
}

/** The request as a rule and its destination change it: authority, path, headers added and removed. */
function rewritten(flow: Flow, { rule, match }: RouteEntry, { headers: last }: Destination): Flow {
  const { rewrite, headers: own, tellsLimit } = rule;
  if (!rewrite && !own && !tellsLimit && !last) return flow;
  const request = { ...flow.http!, headers: new Map(flow.http!.headers) };
  const added = new Set(flow.added);
  if (tellsLimit) added.add('x-envoy-expected-rq-timeout-ms');
  const changed = new Map(request.changed);
  request.changed = changed;
  const further = new Map(request.further);
  request.further = further;
  const hasCertainly = (name: string) => request.headers.has(name) && changed.get(name) !== 'perhaps';
  for (const changes of headerChanges(rule, last)) {
    const framing = [...changes.set, ...changes.add].find(
      ([name, value]) =>
        value !== '' && (isOfConnection(name) || (name === 'content-type' && (isOfGrpc(value) || isComputed(value)))),
    );
    if (framing)
      throw new Undetermined(
        `a route sets the header ${framing[0]}, by which the next proxy may take the request for another one, or ` +
          'refuse it',
        [fieldRef(rule.object, 'spec.http')],
      );
    const odd = [...changes.set, ...changes.add].find(([name, value]) => value !== '' && !isToken(name));
    if (odd)
      throw new Undetermined(`a route sets the header ${JSON.stringify(odd[0])}, which proxies refuse to send on`, [
        fieldRef(rule.object, 'spec.http'),
      ]);
    // In the order in which Envoy does it.
    for (const name of changes.remove) {
      added.delete(name);
      changed.set(name, 'removed');
      further.delete(name);
      request.headers.delete(name);
    }
    for (const [name, value] of changes.set) {
      // Envoy leaves out a value that is empty or turns out to be, and then an older one stays.
      if (isAuthority(name) || value === '') continue;
      const isThere = hasCertainly(name);
      if (!isThere) added.add(name);
      changed.delete(name);
      further.delete(name);
      if (isComputed(value)) changed.set(name, isThere ? 'unknown' : 'perhaps');
      request.headers.set(name, value);
    }
    for (const [name, value] of changes.add) {
      if (isAuthority(name) || value === '') continue;
      const isThere = hasCertainly(name);
      const isUnknown =
        isComputed(value) ||
        isUnsaid(request, name) ||
        (isThere && !isOfApplications(name)) ||
        changed.get(name) === 'perhaps';
      if (isComputed(value) && !isThere) changed.set(name, 'perhaps');
      else if (isUnknown) changed.set(name, 'unknown');
      else if (isThere) further.set(name, [...(further.get(name) ?? []), value]);
      if (!isThere && !isUnsaid(request, name)) added.add(name);
      if (!isThere) request.headers.set(name, value);
    }
  }
  const excess = excessOf([...request.headers]);
  if (excess !== undefined)
    throw new Undetermined(`with what a route sets, a request has ${excess}, which the next hop may refuse`, [
      fieldRef(rule.object, 'spec.http'),
    ]);
  if (rewrite?.path) {
    added.add('x-envoy-original-path');
    request.path = changedPath(request.path, rewrite.path, match?.path);
    if (!PATH.test(request.path)) throw unsendable(rule, 'path', request.path);
  }
  const changedTo = authorityIn(own) ?? authorityIn(last);
  if (rewrite?.authority === undefined && changedTo !== undefined && isComputed(changedTo))
    throw new Undetermined('a route computes the authority from the request', [fieldRef(rule.object, 'spec.http')]);
  const authority = rewrite?.authority ?? changedTo;
  if (authority !== undefined && !AUTHORITY.test(authority)) throw unsendable(rule, 'authority', authority);
  if (authority !== undefined && authority !== request.authority) {
    request.authority = authority;
    added.add('x-envoy-original-host');
  }
  return { ...flow, http: request, added };
}

/**
 * What a rule and a destination do to headers. Envoy makes the changes of one of several destinations before those of
 * the rule; those of the only destination istiod appends to the rule's.
 */
function headerChanges({ headers: own, action }: HttpRoute, last: HeaderChanges | undefined): HeaderChanges[] {
  if (!own || !last) return [own ?? last].filter((one) => one !== undefined);
  if (action.kind !== 'forward' || action.targets.length > 1) return [last, own];
  return [
    {
      remove: [...own.remove, ...last.remove],
      set: [...own.set, ...last.set],
      add: [...own.add, ...last.add],
    },
  ];
}

/** What every proxy and host takes for an authority, and for a path. */
const AUTHORITY = /^(?!.{300})(\[[\w.:%]+\](:\d*)?|[\w!$%&'()*+,;=.~:-]*)$/;
const PATH = /^\/[!-~]{0,8000}$/;

/** What a rule makes that is no part of any request, and that whoever comes next may refuse. */
function unsendable({ object }: HttpRoute, what: 'path' | 'authority', value: string): Undetermined {
  return new Undetermined(
    `a route changes the ${what} to ${JSON.stringify(value.slice(0, 99))}, which the next hop may refuse`,
    [fieldRef(object, 'spec.http')],
  );
}

/** The authority that changes of headers give, `set` before `add`. */
function authorityIn(changes: HeaderChanges | undefined): string | undefined {
  return [...(changes?.set ?? []), ...(changes?.add ?? [])].find(([name, value]) => isAuthority(name) && value)?.[1];
}

/** Whether Envoy makes the value of a header from the request: `%REQ(x-user)%`. */
function isComputed(value: string): boolean {
  return value.includes('%');
}
