import { isIP } from 'net';
import { arriveAtGateway } from './arriving-at-gateway';
import { Choice, Ending, Journey, NOWHERE } from './journey';
import { leavePod } from './leaving-the-pod';
import { reachHost } from './reaching-host';
import { toService } from './to-service';
import { isTcpRequest, portOfRequest, urlOf } from '../../access/request-url';
import { Believed } from '../address-book';
import { Answer } from '../answer';
import { Configuration } from '../configuration';
import { fieldRef } from '../field-ref';
import { Flow } from '../flow';
import { HttpRequest } from '../http-route';
import { pathAsSent } from '../path-normalization';
import { ModelCaller, ModelRequest } from '../request';
import { Undetermined } from '../undetermined';
import { stopAtUnknownKind } from '../unknown-kinds';

/** How a request ended on one egress path, and which branches it took. */
export interface WalkResult {
  readonly answer: Answer;
  readonly choices: readonly Choice[];
  /** An address on which the walk relied without proof. */
  readonly believed?: Believed;
}

const MAX_REDIRECTS = 10;

/**
 * Follows a request along one egress path, hop by hop: out of the pod, through its sidecar's routes and clusters,
 * perhaps to a gateway and through its routes and clusters, to an external host. Each step is a file beside this one.
 * Takes the given branches, and the most likely one where none is given. `hostAddress` is where the host of the request
 * is, if nothing else tells it.
 */
export function walk(
  configuration: Configuration,
  caller: ModelCaller,
  request: ModelRequest,
  script: readonly number[] = [],
  hostAddress?: string,
): WalkResult {
  const journey = new Journey(configuration, script, hostAddress);
  let ending: Ending;
  try {
    ending = send(journey, caller, request);
  } catch (error) {
    if (!(error instanceof Undetermined)) throw error;
    ending = { outcome: 'undetermined', reason: error.message, causes: error.decidedBy };
  }
  return { answer: journey.answer(ending), choices: journey.choices, believed: journey.believed };
}

/** Sends the request to the address of its host, and follows it to the end. */
function send(journey: Journey, caller: ModelCaller, request: ModelRequest): Ending {
  const { configuration } = journey;
  const pod = (journey.pod = configuration.pod(caller));
  const url = (journey.url = urlOf(request.url));
  journey.speak = request.speak;
  const flow = flowOf(request, url);
  const what = flow.http ? `${flow.http.method} ${request.url}` : request.url;
  journey.step(
    'application',
    `${pod.namespace}/${pod.serviceAccount}: ${what}${request.dial ? `, dialling ${request.dial}` : ''}`,
    pod.template ? [fieldRef(pod.template)] : [],
  );
  if (url.protocol === 'https:' && url.hostname.endsWith('.')) {
    const message =
      'curl leaves out the dot at the end of the server name; Node.js and Python send it, and the name then matches ' +
      'no host that is declared';
    journey.remark({ code: 'dot-in-server-name', message, decidedBy: [] });
  }
  if (pod.injected)
    stopAtUnknownKind(configuration.registry, { ...pod, role: 'sidecar', hosts: namesAsked(url, flow) });
  const scope = pod.injected ? configuration.sidecar(pod) : undefined;
  const address = request.dial ?? journey.lookUp(url.hostname, scope);
  if (request.dial === undefined) journey.ownAddress = address;
  if (address === undefined)
    return {
      outcome: 'refused',
      reason: `${url.hostname} cannot be resolved: no host with this name is known`,
      causes: [],
    };
  let next = leavePod(journey, scope, flow, address, portOfRequest(request.url) ?? 80);
  while (next.to)
    next =
      next.to === 'gateway' ? arriveAtGateway(journey, next) : (toService(journey, next) ?? reachHost(journey, next));
  return next.outcome === 'refused' && typeof next.symptom !== 'number'
    ? next
    : followRedirect(journey, next, caller, request, flow);
}

/** The names by which a sidecar may route the request. */
function namesAsked(url: URL, flow: Flow): string[] {
  return [url.hostname, ...(flow.http ? [flow.http.authority.replace(/:\d+$/, '').toLowerCase()] : [])];
}

/** What the application sends. */
function flowOf(request: ModelRequest, url: URL): Flow {
  const headers = new Map(Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const http: HttpRequest = {
    method: request.method ?? 'GET',
    path: pathAsSent(request.url, url),
    authority: headers.get('host') ?? url.host,
    headers,
  };
  const isTcp = isTcpRequest(request.url);
  return {
    payload: isTcp ? 'bytes' : 'http',
    layers:
      url.protocol === 'https:'
        ? [{ by: 'application', ...(isIP(url.hostname) === 0 && { serverName: url.hostname.replace(/\.$/, '') }) }]
        : [],
    ...(!isTcp && { http }),
    added: new Set(),
    ...(request.speak && { speak: request.speak, http2: request.speak !== 'websocket' }),
  };
}

/** Follows a redirect as curl does. */
function followRedirect(
  journey: Journey,
  ending: Ending,
  caller: ModelCaller,
  request: ModelRequest,
  flow: Flow,
): Ending {
  const status = ending.status ?? ending.symptom;
  if (!request.follow || typeof status !== 'number' || status < 300 || status > 399) return ending;
  if (journey.location === NOWHERE) return ending;
  const location = journey.location ?? `https://${flow.http!.authority.replace(/:80$/, '')}${flow.http!.path}`;
  if (journey.redirected(status) > MAX_REDIRECTS)
    return { outcome: 'refused', reason: `more than ${MAX_REDIRECTS} redirects`, causes: ending.causes };
  journey.startAgain();
  const headers =
    request.headers &&
    Object.fromEntries(Object.entries(request.headers).filter(([header]) => header.toLowerCase() !== 'host'));
  return send(journey, caller, { ...request, url: location, headers });
}
