import { isIP } from 'net';
import { arriveAtGateway } from './arriving-at-gateway';
import { Choice, Ending, Journey, Leg, NOWHERE } from './journey';
import { leavePod } from './leaving-the-pod';
import { Copy, Next } from './next';
import { reachHost } from './reaching-host';
import { toService } from './to-service';
import { Spoken } from '../../access/access-table';
import { hostOf, isTcpRequest, portOfRequest, urlOf } from '../../access/request-url';
import { Believed } from '../registry/address-book';
import { Address, isOfIPv6, textOf } from '../objects/addresses';
import { Answer } from '../answer/answer';
import { CallerPod } from '../proxies/capture';
import { Configuration } from '../proxies/configuration';
import { fieldRef } from '../answer/field-ref';
import { Flow } from './flow';
import { FRAMING, HttpRequest, namesInLowerCase } from '../requests/http-request';
import { withoutPort } from '../objects/host-names';
import { pathAsSent } from '../requests/path-normalization';
import { ModelRequest } from '../requests/request';
import { Scope } from '../registry/scope';
import { Undetermined } from '../answer/undetermined';

/** How a request ended on one egress path, and which branches it took. */
export interface WalkResult {
  readonly answer: Answer;
  readonly choices: readonly Choice[];
  /** An address on which the walk relied without proof. */
  readonly believed?: Believed;
}

const MAX_REDIRECTS = 10;

/** The path of a gRPC call that names no method; applications of the lab send it too. */
const SOME_CALL = '/lab.Echo/Say';

/** What tells a proxy which protocol an application speaks over HTTP. */
const IMPLIED: Partial<Record<Spoken, Readonly<Record<string, string>>>> = {
  grpc: { 'content-type': 'application/grpc', te: 'trailers' },
  websocket: { connection: 'Upgrade', upgrade: 'websocket' },
};

/**
 * Follows a request along one egress path, hop by hop: out of the pod, through its sidecar's routes and clusters,
 * perhaps to a gateway and through its routes and clusters, to an external host. Each step is a file beside this one.
 *
 * @param script which branch to take at each choice, in order; the most likely one once it has run out
 * @param hostAddress where the host of the request is, if nothing else tells it
 */
export function walk(
  configuration: Configuration,
  pod: CallerPod,
  request: ModelRequest,
  script: readonly number[] = [],
  hostAddress?: Address,
): WalkResult {
  const journey = new Journey(configuration, script, hostAddress);
  let next: ModelRequest | undefined = request;
  let leg: Leg | undefined;
  let ending: Ending | undefined;
  while (next) {
    const asked: ModelRequest = next;
    leg = new Leg(journey, pod, urlOf(asked.url), asked.speak, leg?.plaintext ?? false);
    try {
      ending = send(leg, asked);
      next = redirectOf(leg, ending, asked);
    } catch (error) {
      if (!(error instanceof Undetermined)) throw error;
      ending = { outcome: 'undetermined', reason: error.message, causes: error.decidedBy };
      next = undefined;
    }
    if (next && journey.redirected((ending.status ?? ending.symptom) as number) > MAX_REDIRECTS) {
      ending = { outcome: 'refused', reason: `more than ${MAX_REDIRECTS} redirects`, causes: ending.causes };
      next = undefined;
    }
  }
  return { answer: journey.answer(leg!, ending!), choices: journey.choices, believed: journey.believed };
}

/** Sends the request to the address of its host, and follows it to the end. */
function send(leg: Leg, request: ModelRequest): Ending {
  const { configuration, pod, url } = leg;
  const flow = flowOf(request, url);
  if (request.headers && flow.http) leg.sentHeaders = Object.keys(request.headers).map((name) => name.toLowerCase());
  const what = flow.http ? `${flow.http.method} ${request.url}` : request.url;
  leg.step(
    'application',
    'sends',
    `${pod.namespace}/${pod.serviceAccount}: ${what}${request.dial ? `, dialling ${request.dial}` : ''}`,
    pod.template ? [fieldRef(pod.template)] : [],
  );
  if (url.protocol === 'https:' && url.hostname.endsWith('.')) {
    const message =
      'curl leaves out the dot at the end of the server name; Node.js and Python send it, and the name then matches ' +
      'no host that is declared';
    leg.remark({ code: 'dot-in-server-name', message, decidedBy: [] });
  }
  if (pod.injection.injected)
    configuration.unknownKinds.stopAt({ role: 'sidecar', hosts: namesAsked(url, flow), ...pod });
  const scope = pod.injection.injected ? configuration.sidecar(pod) : undefined;
  const address = request.dial === undefined ? addressOf(leg, scope) : configuration.addressBook.behind(request.dial);
  if (request.dial === undefined) leg.ownAddress = address;
  if (address === undefined)
    return {
      outcome: 'refused',
      reason: `${url.hostname} cannot be resolved: no host with this name is known`,
      causes: [],
    };
  if (isOfIPv6(address) && !configuration.registry.world.mesh?.dualStack)
    throw new Undetermined(
      configuration.registry.world.mesh?.dualStack === undefined
        ? 'it is unknown whether pods and their sidecars have IPv6: add a mesh configuration with ISTIO_DUAL_STACK ' +
            '(mesh.dualStack in a test)'
        : 'sidecars leave IPv6 alone (dualStack is false), and whether pods have it is unknown',
      [],
    );
  return follow(leg, leavePod(leg, scope, flow, address, portOfRequest(request.url, url) ?? 80));
}

/** Follows a request to its end, and then its copies, of which only one thing counts: whether they are plaintext. */
function follow(leg: Leg, from: Next): Ending {
  const copies: Copy[] = [];
  let next = from;
  while (next.to) {
    copies.push(...(next.copies ?? []));
    next = next.to === 'gateway' ? arriveAtGateway(leg, next) : (toService(leg, next) ?? reachHost(leg, next));
  }
  for (const copy of copies)
    if (!leg.plaintext && leavesInPlaintext(leg, copy))
      leg.plaintext = leg.isAmong(copy.share, 'mirrored', ' in plaintext');
  return next;
}

/** Whether an external host receives plaintext by a copy of the request: the answer depends on what that depends on. */
function leavesInPlaintext(leg: Leg, { send: sendCopy }: Copy): boolean {
  const copy = leg.copy();
  let ending: Partial<Ending> = {};
  try {
    ending = follow(copy, sendCopy(copy));
  } catch (error) {
    if (!(error instanceof Undetermined) || !copy.plaintext) throw error;
  }
  for (const condition of copy.conditionsOf(ending, copy.plaintext)) leg.doubt(condition);
  return copy.plaintext;
}

/** The address that the application dials: of several, which one it takes is chance. */
function addressOf(leg: Leg, scope: Scope | undefined): Address | undefined {
  const hostname = hostOf(leg.url);
  const why = scope?.proxy.dnsCapture
    ? `several ServiceEntries declare ${hostname}, and the sidecar gives the addresses of all of them in turn`
    : `${hostname} has several addresses`;
  return leg.oneOf(leg.lookUp(hostname, scope), (address) => `DNS gives ${textOf(address)}: ${why}`, true);
}

/** The names by which a sidecar may route the request. */
function namesAsked(url: URL, flow: Flow): string[] {
  return [url.hostname, ...(flow.http ? [withoutPort(flow.http.authority).toLowerCase()] : [])];
}

function flowOf(request: ModelRequest, url: URL): Flow {
  // The white space around a value is no part of it.
  const given = new Map(namesInLowerCase(request.headers).map(([name, value]) => [name, value.trim()]));
  // A proxy leaves only this one as it is.
  const framing = FRAMING.find((name) => given.has(name) && !(name === 'te' && given.get(name) === 'trailers'));
  if (framing !== undefined)
    throw new Undetermined(
      `the model does not know what the header ${framing} of a request does (WebSockets are asked for by what it speaks)`,
    );
  const isGrpc = request.speak === 'grpc';
  const headers = new Map([...Object.entries((request.speak && IMPLIED[request.speak]) ?? {}), ...given]);
  const path = pathAsSent(request.url, url);
  const http: HttpRequest = {
    method: isGrpc ? 'POST' : (request.method ?? 'GET'),
    path: isGrpc && url.pathname === '/' ? `${SOME_CALL}${path.slice(1)}` : path,
    authority: headers.get('host') ?? url.host,
    headers,
    // With every field from the start, all copies have one hidden class.
    further: undefined,
    changed: undefined,
    scheme: undefined,
    forwardedProto: undefined,
    setByProxies: undefined,
  };
  const isTcp = isTcpRequest(request.url);
  return {
    payload: isTcp ? 'bytes' : 'http',
    layers:
      url.protocol === 'https:'
        ? [{ by: 'application', serverName: isIP(hostOf(url)) === 0 ? url.hostname.replace(/\.$/, '') : undefined }]
        : [],
    http: isTcp ? undefined : http,
    added: new Set(),
    http2: request.speak && request.speak !== 'websocket',
    speak: request.speak,
  };
}

/** The request with which curl follows a redirect, if it is asked to and there is one. */
function redirectOf(leg: Leg, ending: Ending, request: ModelRequest): ModelRequest | undefined {
  const status = ending.status ?? ending.symptom;
  if (!request.follow || typeof status !== 'number' || status < 300 || status > 399) return undefined;
  if (leg.relocatedBy) throw new Undetermined('a route changes the header Location of responses', [leg.relocatedBy]);
  if (leg.location === NOWHERE) return undefined;
  const { authority, path } = flowOf(request, leg.url).http!;
  const headers =
    request.headers &&
    Object.fromEntries(Object.entries(request.headers).filter(([header]) => header.toLowerCase() !== 'host'));
  return { ...request, url: leg.location ?? `https://${authority.replace(/:80$/, '')}${path}`, headers };
}
