import { inBrief } from './headline';
import { isIPv6 } from 'net';
import { addressOf, namesOf } from './manifest';
import { hostOf, inUrl, isTcpRequest, urlOf } from '../access/request-url';
import { covers, isWildcard } from '../istio/hosts';
import { isHttp, isTls, upper } from '../istio/protocols';
import { podTemplateOf } from '../istio/pod-templates';
import { isRange } from '../istio/ranges';
import { IstioSpecs, specOf } from '../manifests/specs';
import { Exported } from '../manifests/visibility';
import { groupBy } from '../values/grouping';
import { Answer, EgressModel, EgressObject, ModelCaller, ModelRequest } from '../model';

/** A request that the manifests make one think of. */
interface OtherRequest extends Pick<ModelRequest, 'url' | 'method' | 'speak'> {
  readonly caller: ModelCaller;
}

/** Another request whose answer a change alters. */
export interface SideEffect extends OtherRequest {
  readonly before: Answer;
  readonly after: Answer;
}

/** The limit on other requests that are asked about before a change is proposed. */
const MOST_REQUESTS = 200;

/** Stand for what no manifest names: another account, another namespace, another host. */
export const ANY_OTHER = 'any-other';
export const UNDECLARED_HOST = 'undeclared.invalid';

/**
 * What a change does to other requests: to each host, port and protocol that the manifests declare and to a host that
 * they do not, by each method that they name, from each caller that they name and from others.
 */
export class OtherRequests {
  /** The host that was asked for, and those of entries with that address. */
  private readonly asked: ReadonlySet<string>;
  private readonly target: string;
  private readonly callers: readonly ModelCaller[];
  private readonly requests: readonly Omit<OtherRequest, 'caller'>[];
  private readonly known = new Map<string, Answer>();

  constructor(
    private readonly model: EgressModel,
    private readonly caller: ModelCaller,
    request: ModelRequest,
  ) {
    const { url } = request;
    const hostname = hostOf(urlOf(url));
    const known = addressOf(hostname, model.world);
    this.asked = new Set([
      hostname,
      ...(known === undefined ? [] : [known]),
      ...model.objects
        .flatMap(({ manifest }) => specOf(manifest, 'ServiceEntry') ?? [])
        .filter((spec) => isAbout(spec, hostname))
        .flatMap((spec) => [...(spec.hosts ?? []), ...(spec.addresses ?? [])]),
    ]);
    this.target = kindOf(request);
    const { namespace } = caller;
    const all = [caller, ...callersNamedIn(model.objects), anyOtherOf(namespace), anyOtherOf(ANY_OTHER)];
    this.callers = [...new Map([...all, caller].map((one) => [nameOf(one), one])).values()];
    const methods = ['GET', ...(request.method === undefined ? [] : [request.method]), ...methodsIn(model.objects)];
    const isGrpc = grpcPortsIn(model.objects);
    this.requests = urlsIn(model, url).flatMap((one) =>
      one.startsWith('http:')
        ? [
            ...[...new Set(methods)].map((method) => ({ url: one, ...(method !== 'GET' && { method }) })),
            ...(isGrpc.has(Number(urlOf(one).port || 80)) ? [{ url: one, speak: 'grpc' as const }] : []),
          ]
        : [{ url: one }],
    );
  }

  /** How many other requests there are, of which no more than the limit are asked. */
  public get unasked(): number {
    return Math.max(0, this.requests.length * this.callers.length - MOST_REQUESTS - 1);
  }

  /** The requests that the changed model answers differently; other methods only where they differ from GET. */
  public changedBy(changed: EgressModel, edited: readonly EgressObject[]): SideEffect[] {
    const pair = ({ caller, ...request }: OtherRequest) => {
      const key = `${nameOf(caller)} ${requestText(request)}`;
      const before = this.known.get(key) ?? this.model.ask(caller, request);
      this.known.set(key, before);
      return { before, after: changed.ask(caller, request) };
    };
    return firstOf(MOST_REQUESTS, this.nearest(edited)).flatMap((request): SideEffect[] => {
      const { before, after } = pair(request);
      if (isSame(before, after)) return [];
      if (request.method !== undefined) {
        const usual = pair({ caller: request.caller, url: request.url });
        if (isSame(before, usual.before) && isSame(after, usual.after)) return [];
      }
      return [{ ...request, before, after }];
    });
  }

  /**
   * Whether it opens or breaks something that nobody has asked for.
   *
   * @param isGuard whether the change is to something that tells callers apart
   */
  public isUnasked({ caller, url, before, after }: SideEffect, isGuard: boolean): boolean {
    if (before.outcome === 'answered' && (after.outcome !== 'answered' || isWorsePath(before, after))) return true;
    if (before.outcome === 'answered' || after.outcome === 'refused') return false;
    if (!this.asked.has(hostOf(urlOf(url)))) return true;
    // What declares or routes a host does so for all who see the object, and no guard is changed by it.
    return caller !== this.caller && isGuard;
  }

  /** Hosts and callers may be thousands, and each caller asks for each host: the nearest come first. */
  private *nearest(edited: readonly EgressObject[]): Generator<OtherRequest> {
    const names = edited.flatMap(({ manifest }) => namesOf(manifest));
    const isNear = ({ url }: { readonly url: string }) => {
      const hostname = hostOf(urlOf(url));
      return this.asked.has(hostname) || names.some((name) => typeof name === 'string' && covers(name, hostname));
    };
    const near = this.requests.filter(isNear);
    const far = this.requests.filter((request) => !isNear(request));
    const [own, ...others] = this.callers;
    for (const request of near)
      for (const caller of this.callers)
        if (caller !== own || kindOf(request) !== this.target) yield { caller, ...request };
    for (const request of far) yield { caller: own, ...request };
    for (const request of far) for (const caller of others) yield { caller, ...request };
  }
}

/** The effects in words, those that are alike in one line. */
export function effectLines(effects: readonly SideEffect[], url: string, then: Answer): string[] {
  const alike = groupBy(effects, (effect) => {
    const request = requestText(effect);
    const after = inBrief(effect.after);
    return request === url && after === inBrief(then) ? '' : JSON.stringify([request, after]);
  });
  return [...alike.keys()].map((what) => {
    const callers = listed(alike.get(what).map(({ caller }) => callerText(caller)));
    if (what === '') return `the same request of ${callers} is then answered as well`;
    const [request, after] = JSON.parse(what) as [string, string];
    return `also changes ${request.replace(UNDECLARED_HOST, '<any undeclared host>')} of ${callers}: then ${after}`;
  });
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
}

/** A request in short: its URL, and what is unusual about it. */
export function requestText({ url, method = 'GET', speak }: Omit<OtherRequest, 'caller'>): string {
  return [...(speak === undefined ? [] : [speak]), ...(method === 'GET' ? [] : [method]), url].join(' ');
}

function callerText({ namespace, serviceAccount }: ModelCaller): string {
  if (namespace === ANY_OTHER) return 'any other namespace';
  return serviceAccount === ANY_OTHER ? `any other account of ${namespace}` : `${namespace}/${serviceAccount}`;
}

/** Whether an entry is for a host, by its name or address, and for no other. */
function isAbout({ hosts, addresses }: IstioSpecs['ServiceEntry'], hostname: string): boolean {
  return addresses?.includes(hostname) || (hosts?.length === 1 && hosts[0] === hostname);
}

function firstOf<T>(most: number, all: Iterable<T>): T[] {
  const first: T[] = [];
  for (const one of all) {
    if (first.length === most) break;
    first.push(one);
  }
  return first;
}

/** Requests of one kind differ only in their paths and headers. */
function kindOf({ url, method, speak }: Omit<OtherRequest, 'caller'>): string {
  return requestText({ url: targetOf(url), method, speak });
}

export function targetOf(url: string): string {
  const { protocol, hostname, port } = urlOf(url);
  return `${isTcpRequest(url) ? 'tcp' : protocol} ${hostname} ${port}`;
}

function nameOf({ namespace, serviceAccount }: ModelCaller): string {
  return `${namespace}/${serviceAccount}`;
}

function isSame(a: Answer, b: Answer): boolean {
  const facts = ({ outcome, via, gateway, tlsOriginatedBy, plaintextToHost, insteadOf }: Answer) =>
    [outcome, plaintextToHost, ...(outcome === 'answered' ? [via, gateway, tlsOriginatedBy, insteadOf] : [])].join();
  return facts(a) === facts(b);
}

/** Round the gateway, in plaintext, or to another host. */
function isWorsePath(before: Answer, after: Answer): boolean {
  return (
    (before.via === 'gateway' && after.via !== 'gateway') ||
    (!before.plaintextToHost && after.plaintextToHost) ||
    (before.insteadOf === undefined && after.insteadOf !== undefined)
  );
}

const anyOtherOf = (namespace: string): ModelCaller => ({
  namespace,
  serviceAccount: ANY_OTHER,
  labels: { app: ANY_OTHER },
});

/** The callers that servers, policies and pod templates name, and others of each namespace. */
function callersNamedIn(objects: readonly EgressObject[]): ModelCaller[] {
  const found = new Map<string, ModelCaller>();
  const add = (caller: ModelCaller) => found.set(nameOf(caller), caller);
  const collect = (value: unknown): void => {
    if (typeof value === 'string') {
      const [, namespace, serviceAccount] = /(?:^|\/)ns\/([a-z0-9-]+)\/sa\/([a-z0-9.-]+)$/.exec(value) ?? [];
      if (namespace) add({ namespace, serviceAccount });
    } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
  };
  const namespaces = new Set<string>();
  for (const { manifest } of objects) {
    const { namespace: own = 'default' } = manifest.metadata;
    if (/^(networking|security)\.istio\.io\//.test(manifest.apiVersion))
      for (const namespace of [own, ...((manifest.spec as Exported | undefined)?.exportTo ?? [])])
        if (/^[a-z0-9-]+$/.test(namespace)) namespaces.add(namespace);
    const { metadata, spec } = podTemplateOf(manifest) ?? {};
    if (spec?.serviceAccountName && metadata?.annotations?.['inject.istio.io/templates'] === undefined)
      add({ namespace: own, serviceAccount: spec.serviceAccountName });
    collect(specOf(manifest, 'Gateway') ?? specOf(manifest, 'AuthorizationPolicy'));
    for (const { from } of specOf(manifest, 'AuthorizationPolicy')?.rules ?? [])
      for (const { source } of from ?? [])
        for (const namespace of source?.namespaces ?? []) if (!namespace.includes('*')) add(anyOtherOf(namespace));
  }
  for (const namespace of namespaces) add(anyOtherOf(namespace));
  return [...found.values()];
}

/** The methods that policies and routes name. */
function methodsIn(objects: readonly EgressObject[]): string[] {
  return objects
    .flatMap(({ manifest }) => [
      ...(specOf(manifest, 'AuthorizationPolicy')?.rules ?? [])
        .flatMap(({ to }) => to ?? [])
        .flatMap(({ operation }) => [...(operation?.methods ?? []), ...(operation?.notMethods ?? [])]),
      ...(specOf(manifest, 'VirtualService')?.http ?? [])
        .flatMap(({ match }) => match ?? [])
        .flatMap(({ method }) => method?.exact ?? []),
    ])
    .filter((method) => /^[A-Z]+$/.test(method) && method !== 'CONNECT');
}

/** The ports that entries declare for gRPC. */
function grpcPortsIn(objects: readonly EgressObject[]): ReadonlySet<number> {
  const ports = objects.flatMap(({ manifest }) => specOf(manifest, 'ServiceEntry')?.ports ?? []);
  return new Set(ports.flatMap(({ number, protocol }) => (upper(protocol) === 'GRPC' ? [number!] : [])));
}

type Scheme = 'http' | 'https' | 'tcp';
/** The ports on which a host is asked that routes name and no entry declares. */
const USUAL_PORTS = [80, 443];

/**
 * What the manifests name: the hosts and addresses of entries on their ports, a name below each wildcard, the hosts of
 * routes, those that the world describes, and one that nothing declares, on all these ports and the one that was asked.
 */
function urlsIn({ objects, world }: EgressModel, asked: string): string[] {
  const hostname = hostOf(urlOf(asked));
  const urls = new Set([asked]);
  const hosts = new Set<string>();
  const ports = new Map<string, readonly [number, string]>();
  const add = (host: string, port: number, protocol?: string): void => {
    if (typeof host !== 'string' || host.endsWith('.internal')) return;
    const name = isWildcard(host) ? `${ANY_OTHER}${host.slice(1)}` : host.includes('/') ? addressIn(host) : host;
    hosts.add(name);
    // What is declared comes first; plain HTTP and TLS may be sent to any port.
    const own = isHttp(protocol) ? 'http' : isTls(protocol) ? 'https' : 'tcp';
    for (const scheme of new Set([own, 'http', 'https'] as const)) urls.add(urlFor(name, port, scheme));
    ports.set(`${port} ${own}`, [port, own]);
  };
  for (const { manifest } of objects) {
    const entry = specOf(manifest, 'ServiceEntry');
    for (const { number, protocol } of entry?.ports ?? [])
      for (const host of [...(entry?.hosts ?? []), ...(entry?.addresses ?? [])]) add(host, number!, protocol);
    for (const host of specOf(manifest, 'VirtualService')?.hosts ?? [])
      if (host.includes('.') && !/\.svc\./.test(host))
        for (const port of USUAL_PORTS) add(host, port, port === 80 ? 'HTTP' : 'TLS');
  }
  const described = (world.external ?? []).filter(({ host }) => host !== UNDECLARED_HOST);
  for (const { host, address } of described) {
    hosts.add(host);
    if (host === hostname && address !== undefined) hosts.add(address);
  }
  for (const host of hosts) urls.add(asked.replace(inUrl(hostname), inUrl(host)));
  for (const host of [...described.map((one) => one.host), UNDECLARED_HOST])
    for (const [port, scheme] of ports.values()) urls.add(urlFor(host, port, scheme as Scheme));
  return [...urls, asked.replace(inUrl(hostname), UNDECLARED_HOST)];
}

/** An address in a range. */
function addressIn(range: string): string {
  const [base] = range.split('/');
  if (!isRange(range)) return base;
  return isIPv6(base)
    ? base.replace(/[^:]*$/, (last) => (parseInt(last || '0', 16) + 1).toString(16))
    : base.replace(/\d+$/, (last) => String(Number(last) + 1));
}

function urlFor(host: string, port: number, scheme: Scheme): string {
  const usual = { http: 80, https: 443, tcp: undefined }[scheme];
  return `${scheme}://${inUrl(host)}${port === usual ? '' : `:${port}`}${scheme === 'tcp' ? '' : '/'}`;
}
