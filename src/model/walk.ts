import { isIP } from 'net';
import { Answer, Decider, HopName, Remark, Step } from './answer';
import { askingForIdentity, authorize } from './authorization';
import { CallerPod, isCaptured } from './capture';
import { Cluster, clusterOf, Endpoint, NoCluster, refuseUnknown } from './cluster';
import { Configuration } from './configuration';
import { by } from './decider';
import { Flow, firstBytes, isReadable, Layer, outermost } from './flow';
import { Server, ServerChain } from './gateway';
import { GatewayWorkload } from './gateway-workloads';
import { firstFitting, HttpRequest, RouteEntry } from './http-route';
import { Destination, isUnknownAddress, listenerFor } from './listener';
import { NearMiss, nearMisses } from './near-misses';
import { blockedBy, Peer } from './network-policy';
import { clientCommonNameOf, receive, settingsOf } from './outside';
import { ModelCaller, ModelRequest } from './request';
import { Scope } from './scope';
import { Undetermined } from './undetermined';
import { stopWhereUnknownKinds } from './unknown-kinds';
import { VirtualHost } from './virtual-hosts';
import { Symptom, TlsOriginator, Way } from '../access/access-table';
import { sectionOf } from '../manifests/servers';
import { originates } from '../manifests/tls';

/** Which of several possibilities a walk takes, and which there were. */
export interface Choice {
  readonly options: readonly { readonly weight?: number; readonly because: string }[];
  readonly taken: number;
}

type Ending = Pick<Answer, 'outcome' | 'status' | 'symptom' | 'by' | 'reason' | 'causes'>;

const FIRST_PORT: Record<string, number> = { 'http:': 80, 'https:': 443 };
const MOST_REDIRECTS = 10;
/** What a proxy with `envoyDebugHeaders.disabled` does not add. */
const ABOUT_ENVOY = new Set(['x-envoy-original-host', 'x-envoy-original-path', 'x-envoy-attempt-count', 'x-envoy-expected-rq-timeout-ms']);

/** One way of one request, hop by hop. */
export class Walk {

  public readonly choices: Choice[] = [];
  private steps: Step[] = [];
  private readonly remarks = new Map<string, Remark>();
  private readonly assumptions = new Set<string>();
  private readonly redirects: number[] = [];
  private way?: Way;
  private gateway?: string;
  private identity?: string;
  private destination?: string;
  private serverName?: string;
  private protocol?: Answer['protocol'];
  private clientCertificate?: boolean;
  private clientCommonName?: string;
  private originator?: TlsOriginator;
  private addedHeaders?: string[];
  private plaintext = false;
  private pod!: CallerPod;
  private scope?: Scope;
  private url!: URL;
  private speak?: ModelRequest['speak'];
  /** Whether a proxy reads the request, so that the caller sees statuses of proxies. */
  private isRead = false;
  /** The gateway that has the request now. */
  private atGateway?: GatewayWorkload;
  /** Where a redirect leads. */
  private location?: string;

  /** A walk that takes the given branches, and the likeliest where none is given. */
  constructor(private readonly configuration: Configuration, private readonly script: readonly number[] = []) {}

  public answer(caller: ModelCaller, request: ModelRequest): Answer {
    let ending: Ending;
    try {
      ending = this.start(caller, request);
    } catch (error) {
      if (!(error instanceof Undetermined)) throw error;
      ending = { outcome: 'undetermined', reason: error.message, causes: error.deciders };
    }
    // Assigned one by one: an answer is made for every request, and leaving out what is undefined by spreading costs more than the way itself.
    const answer: { -readonly [field in keyof Answer]: Answer[field] } = {
      outcome: ending.outcome,
      plaintextToOutside: this.plaintext,
      reason: ending.reason,
      causes: ending.causes,
      steps: this.steps,
      alternatives: [],
      remarks: [...this.remarks.values()],
      assumptions: [...this.assumptions],
    };
    if (ending.status !== undefined) answer.status = ending.status;
    if (ending.symptom !== undefined) answer.symptom = ending.symptom;
    if (ending.by !== undefined) answer.by = ending.by;
    if (ending.outcome === 'answered' && this.originator !== undefined) answer.tlsOriginatedBy = this.originator;
    if (this.redirects.length > 0) answer.redirects = this.redirects;
    if (this.way !== undefined) answer.way = this.way;
    if (this.identity !== undefined) answer.identityAtGateway = this.identity;
    if (this.serverName !== undefined) answer.serverName = this.serverName;
    if (this.protocol !== undefined) answer.protocol = this.protocol;
    if (this.clientCertificate !== undefined) answer.clientCertificate = this.clientCertificate;
    if (this.clientCommonName !== undefined) answer.clientCommonName = this.clientCommonName;
    if (this.addedHeaders !== undefined) answer.addedHeaders = this.addedHeaders;
    if (this.gateway !== undefined) answer.gateway = this.gateway;
    if (this.destination !== undefined) answer.destination = this.destination;
    return answer;
  }

  private start(caller: ModelCaller, request: ModelRequest): Ending {
    this.pod = this.configuration.pod(caller);
    this.url = new URL(request.url.replace(/^tcp:/, 'http:'));
    this.speak = request.speak;
    const isTcp = request.url.startsWith('tcp:');
    const isTls = this.url.protocol === 'https:';
    const headers = new Map(Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
    const port = Number(this.url.port) || FIRST_PORT[this.url.protocol];
    const name = this.url.hostname;
    const http: HttpRequest = {
      method: request.method ?? 'GET', path: `${this.url.pathname}${this.url.search}`, authority: headers.get('host') ?? this.url.host, headers,
    };
    const flow: Flow = {
      payload: isTcp ? 'bytes' : 'http',
      layers: isTls ? [{ by: 'application', ...(isIP(name) === 0 && { serverName: name }) }] : [],
      ...(!isTcp && { http }),
      added: new Set(),
      ...(request.speak && { speak: request.speak, http2: request.speak !== 'websocket' }),
    };
    const { namespace, serviceAccount, template } = this.pod;
    this.step('application',
      `${namespace}/${serviceAccount}: ${isTcp ? request.url : `${http.method} ${request.url}`}${request.dial ? `, dialling ${request.dial}` : ''}`,
      template ? [by(template)] : []);
    if (this.pod.injected) stopWhereUnknownKinds(this.configuration.registry, this.pod);
    this.scope = this.pod.injected ? this.configuration.sidecar(this.pod) : undefined;
    const address = request.dial ?? this.configuration.places.lookUp(name, this.scope, assumption => this.assumptions.add(assumption));
    if (address === undefined) return { outcome: 'refused', reason: `${name} is no host that anybody knows: looking it up fails`, causes: [] };
    const ending = this.leave(flow, address, port);
    return ending.outcome === 'refused' && typeof ending.symptom !== 'number' ? ending : this.followed(ending, caller, request, flow);
  }

  /** Follows a redirect as curl does. */
  private followed(ending: Ending, caller: ModelCaller, request: ModelRequest, flow: Flow): Ending {
    const status = ending.status ?? ending.symptom;
    if (!request.follow || typeof status !== 'number' || status < 300 || status > 399) return ending;
    const location = this.location ?? `https://${flow.http!.authority.replace(/:80$/, '')}${flow.http!.path}`;
    this.redirects.push(status);
    if (this.redirects.length > MOST_REDIRECTS) return { outcome: 'refused', reason: 'redirects without end', causes: ending.causes };
    this.location = this.way = this.gateway = this.identity = this.serverName = undefined;
    this.protocol = this.originator = this.clientCertificate = this.addedHeaders = undefined;
    this.atGateway = undefined;
    this.isRead = false;
    const headers = request.headers && Object.fromEntries(Object.entries(request.headers).filter(([header]) => header.toLowerCase() !== 'host'));
    return this.start(caller, { ...request, url: location, headers });
  }

  /** From the application: past the sidecar, or into it. */
  private leave(flow: Flow, address: string, port: number): Ending {
    const { captured, decider } = isCaptured(this.pod, address, port);
    if (!captured || !this.scope) {
      this.way = 'direct';
      if (decider) this.step('application', 'goes past the sidecar', [decider]);
      return this.reachOutside(flow, 'application', address, addressHost(address), port);
    }
    const scope = this.scope;
    const listeners = this.configuration.listeners(scope, port);
    const listener = listenerFor(listeners, address);
    const chain = listener?.finder!.find(address, firstBytes(flow));
    if (!chain) return this.fallThrough(flow, scope, address, port, listener !== undefined);
    if (!chain.http) return this.forward(flow, scope, 'sidecar', chain.forward!, chain.deciders, address, port);
    this.isRead = isReadable(flow);
    if (!this.isRead) return this.refuse('sidecar', 400, 'the listener reads HTTP and gets something else', chain.deciders);
    const host = chain.http.own ? this.configuration.ownHost(scope, port, chain.http.own)
      : this.configuration.virtualHosts(scope, port).find(flow.http!.authority);
    if (!host) return this.catchAll(flow, scope, address, port);
    return this.route(this.withHeaders(flow, ['x-forwarded-proto', 'x-request-id', 'x-envoy-attempt-count']), scope, 'sidecar', host, address, port);
  }

  /** What nothing declares. */
  private fallThrough(flow: Flow, scope: Scope, address: string, port: number, hasListener: boolean): Ending {
    this.assumePolicy(scope);
    const first = firstBytes(flow);
    const what = first.kind === 'tls' ? `TLS${first.serverName === undefined ? ' without a server name' : ` for ${first.serverName}`}`
      : first.kind === 'http' ? 'clear HTTP' : 'a TCP connection';
    const missed = nearMisses(this.configuration.registry, scope, {
      kind: first.kind === 'tls' ? 'tls' : first.kind === 'http' ? 'http' : 'bytes', name: first.serverName ?? this.url.hostname, address, port,
    });
    const why = (hasListener ? `nothing that the caller sees takes ${what} to ${this.called(address)} on port ${port}`
      : `nothing that the caller sees has port ${port}`) + becauseOf(missed);
    const causes = [...missed.map(({ decider }) => decider), scope.policy];
    if (scope.allowsAny) {
      this.way = 'passthrough';
      this.step('sidecar', `${why}: let through as it is`, causes);
      return this.reachOutside(flow, 'sidecar', address, addressHost(address), port);
    }
    this.step('sidecar', `${why}: closed`, causes);
    return this.refuse('sidecar', undefined, `${why}, and undeclared traffic is refused`, causes);
  }

  private catchAll(flow: Flow, scope: Scope, address: string, port: number): Ending {
    this.assumePolicy(scope);
    const name = flow.http!.authority.replace(/:\d+$/, '');
    const missed = nearMisses(this.configuration.registry, scope, { kind: 'http', name, address, port });
    const why = `no host that the caller sees on port ${port} is called ${flow.http!.authority}${becauseOf(missed)}`;
    const causes = [...missed.map(({ decider }) => decider), scope.policy];
    if (scope.allowsAny) {
      this.way = 'passthrough';
      this.step('sidecar', `${why}: let through to ${this.called(address)}`, causes);
      return this.reachOutside(this.withHeaders(flow, ['x-forwarded-proto', 'x-request-id', 'x-envoy-attempt-count']), 'sidecar', address,
        addressHost(address), port);
    }
    this.step('sidecar', `${why}: 502`, causes);
    return this.refuse('sidecar', 502, `${why}, and undeclared hosts are refused`, causes);
  }

  private assumePolicy(scope: Scope): void {
    if (scope.policy.kind === 'MeshConfig' && this.configuration.registry.world.mesh?.outboundTrafficPolicy === undefined) {
      this.assumptions.add('the mesh lets undeclared traffic pass, as Istio does unless told otherwise (ALLOW_ANY)');
    }
  }

  /** A request that a proxy reads, through one virtual host. */
  private route(flow: Flow, scope: Scope, hop: 'sidecar' | 'gateway', host: VirtualHost, address: string, port: number): Ending {
    if (!host.routes) return this.toCluster(flow, scope, hop, host.own!, host.deciders, address, port);
    const entry = firstFitting(host.routes, flow.http!);
    if (!entry) {
      this.step(hop, `no route of the VirtualService fits ${flow.http!.method} ${flow.http!.path}: 404`, host.deciders);
      return this.refuse(hop, 404, `no route fits ${flow.http!.method} ${flow.http!.path} to ${flow.http!.authority}`, host.deciders);
    }
    const { http, object, field } = entry;
    refuseUnknown(object, object.spec, 'virtualService');
    refuseUnknown(object, http, 'httpRoute', field);
    if (http.corsPolicy && flow.http!.method === 'OPTIONS') {
      throw new Undetermined('the model does not answer preflight requests',
        [by(object, `${field}.corsPolicy`)]);
    }
    const faulted = this.fault(entry, hop);
    if (faulted) return faulted;
    if (http.redirect) return this.redirect(entry, flow, hop, port);
    if (http.directResponse) {
      this.step(hop, `answers by itself: ${http.directResponse.status}`, [by(object, `${field}.directResponse`)]);
      return this.refuse(hop, http.directResponse.status, `a route answers by itself with ${http.directResponse.status}`,
        [by(object, `${field}.directResponse`)]);
    }
    if (http.mirror || http.mirrors?.length) {
      this.remark('mirrored', 'a copy of the request goes elsewhere, too',
        [by(object, `${field}.${http.mirror ? 'mirror' : 'mirrors'}`)]);
    }
    if (entry.destinations.length === 0) return this.refuse(hop, 503, 'the route has no destination', [by(object, `${field}.route`)]);
    const index = this.choose(entry.destinations.map(({ weight, host: name, subset }) => ({
      weight,
      because: `the route sends ${weight} % to ${name}${subset === undefined ? '' : `, subset ${subset}`}`,
    })));
    const destination = entry.destinations[index];
    const rewritten = this.rewritten(flow, entry, destination.headers);
    return this.toCluster(rewritten, scope, hop, destination,
      [...(entry.matchField === undefined ? [] : [by(object, entry.matchField)]), ...destination.deciders], address, port);
  }

  private fault({ object, field, http }: RouteEntry, hop: 'sidecar' | 'gateway'): Ending | undefined {
    const abort = http.fault?.abort;
    if (!abort) return undefined;
    refuseUnknown(object, http.fault, 'fault', `${field}.fault`);
    refuseUnknown(object, abort, 'abort', `${field}.fault.abort`);
    const share: number = abort.percentage?.value ?? (abort.percentage ? 0 : 100);
    if (share <= 0) return undefined;
    const cause = by(object, `${field}.fault.abort`);
    const isAborted = share >= 100 || this.choose([
      { weight: 100 - share, because: `${100 - share} % of the requests are not aborted` },
      { weight: share, because: `${share} % of the requests are aborted with ${abort.httpStatus}` },
    ]) === 1;
    if (!isAborted) return undefined;
    this.step(hop, `aborts on purpose: ${abort.httpStatus}`, [cause]);
    return this.refuse(hop, abort.httpStatus, 'a fault is injected', [cause]);
  }

  private redirect({ object, field, http }: RouteEntry, flow: Flow, hop: 'sidecar' | 'gateway', port: number): Ending {
    const { redirect } = http;
    refuseUnknown(object, redirect, 'redirect', `${field}.redirect`);
    if (redirect.prefixRewrite) {
      throw new Undetermined('the model does not follow redirects with a prefixRewrite',
        [by(object, `${field}.redirect.prefixRewrite`)]);
    }
    const status: number = redirect.redirectCode || 301;
    const { authority, path } = flow.http!;
    const scheme: string = redirect.scheme || 'http';
    const given: number | undefined = redirect.port ?? (redirect.derivePort === 'FROM_REQUEST_PORT' ? port : undefined);
    const isUsual = (scheme === 'http' && given === 80) || (scheme === 'https' && given === 443);
    const base = (redirect.authority || authority) as string;
    const host = given !== undefined || redirect.scheme ? base.replace(/:\d+$/, '') : base;
    this.location = `${scheme}://${host}${given === undefined || isUsual ? '' : `:${given}`}${redirect.uri || path}`;
    this.step(hop, `redirects with ${status} to ${this.location}`, [by(object, `${field}.redirect`)]);
    return this.refuse(hop, status, `a route redirects by itself to ${this.location}`, [by(object, `${field}.redirect`)]);
  }

  /** What a route changes about a request, and which headers come and go. */
  private rewritten(flow: Flow, { object, field, http }: RouteEntry, destinationHeaders: any): Flow {
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
      refuseUnknown(object, http.rewrite, 'rewrite', `${field}.rewrite`);
      authority = http.rewrite.authority || authority;
      if (http.rewrite.uri || http.rewrite.uriRegexRewrite) added.add('x-envoy-original-path');
    }
    if (authority !== undefined && authority !== request.authority) {
      request.authority = authority;
      added.add('x-envoy-original-host');
    }
    return { ...flow, http: request, added };
  }

  /** Bytes that a proxy passes on unread. */
  private forward(
    flow: Flow, scope: Scope, hop: 'sidecar' | 'gateway', destinations: readonly Destination[], deciders: readonly Decider[], address: string,
    port: number,
  ): Ending {
    if (destinations.length === 0) return this.refuse(hop, undefined, 'the route has no destination', deciders);
    const index = this.choose(destinations.map(({ weight, host, subset }) => ({
      weight,
      because: `the route sends ${weight} % to ${host}${subset === undefined ? '' : `, subset ${subset}`}`,
    })));
    return this.toCluster(flow, scope, hop, destinations[index], [...deciders, ...destinations[index].deciders], address, port);
  }

  private toCluster(flow: Flow, scope: Scope, hop: 'sidecar' | 'gateway', destination: Destination, deciders: readonly Decider[], address: string,
    port: number): Ending {
    const where = unique(deciders);
    const cluster = clusterOf(this.configuration.registry, scope, destination);
    const named = `${destination.host}:${destination.port}${destination.subset === undefined ? '' : `, subset ${destination.subset}`}`;
    if (isMissing(cluster)) {
      this.step(hop, `→ ${named}, which does not exist: ${cluster.missing}`, unique([...where, ...cluster.deciders]));
      return this.refuse(hop, 503, cluster.missing, unique(cluster.deciders));
    }
    for (const assumption of cluster.assumptions) this.assumptions.add(assumption);
    this.step(hop, `→ ${named}`, where);
    if (cluster.endpoints.length === 0) {
      const reason = cluster.service.kubernetes ? `no pod is behind ${destination.host}` : cluster.service.resolution === 'NONE'
        || cluster.service.resolution === 'DYNAMIC_DNS'
        ? `a gateway cannot reach hosts with resolution ${cluster.service.resolution}` : `${destination.host} has no endpoints`;
      this.step(hop, reason, cluster.deciders);
      return this.refuse(hop, 503, reason, cluster.deciders);
    }
    const index = this.choose(cluster.endpoints.map(endpoint => ({ because: `one of ${cluster.endpoints.length} endpoints: ${endpointText(endpoint)}` })));
    const wrapped = this.wrapped(flow, scope, hop, cluster, destination);
    if ('ending' in wrapped) return wrapped.ending;
    const led = { ...cluster, deciders: unique([...cluster.deciders, ...where]) };
    return this.connect(wrapped.flow, hop, led, cluster.endpoints[index], address, port);
  }

  /** The TLS that a cluster begins around what goes through it. */
  private wrapped(flow: Flow, scope: Scope, hop: 'sidecar' | 'gateway', cluster: Cluster,
    destination: Destination): { flow: Flow } | { ending: Ending } {
    const { tls, ignoredTls } = cluster;
    if (ignoredTls) {
      this.step(hop, 'no TLS: a sidecar ignores settings with a credentialName unless a workloadSelector chooses it',
        [by(ignoredTls.object, `${ignoredTls.field}.credentialName`)]);
      this.remark('ignored-credential', 'the TLS settings are ignored: at a sidecar a credentialName needs a workloadSelector',
        [by(ignoredTls.object, `${ignoredTls.field}.credentialName`)]);
    }
    if (!tls || !originates(tls.value)) return { flow: { ...flow, http2: cluster.http2 } };
    const authority = isReadable(flow) ? flow.http!.authority.replace(/:\d+$/, '').toLowerCase() : undefined;
    const isMesh = tls.value.mode === 'ISTIO_MUTUAL';
    const internal = `outbound_.${destination.port}_.${destination.subset ?? ''}_.${destination.host}`;
    const serverName: string | undefined = tls.value.sni || (isMesh ? internal : authority);
    const { namespace } = scope.proxy;
    const layer: Layer = {
      by: hop,
      ...(serverName !== undefined && { serverName }),
      ...(isMesh && { identity: this.identityOf(hop) }),
      settings: tls,
      subjectAltNames: cluster.service.subjectAltNames,
      ...(authority !== undefined && { authority }),
      namespace,
    };
    if (flow.layers.length > 0 && !isMesh) {
      this.remark('double-tls', 'the application\'s own TLS is wrapped in TLS once more',
        [by(tls.object, tls.field)]);
    }
    const checks = isMesh ? 'mutual TLS in the mesh' : `TLS${tls.value.mode === 'MUTUAL' ? ' with a client certificate' : ''}`;
    this.step(hop, `${checks}, server name ${serverName ?? 'none'}`, [by(tls.object, tls.field)]);
    return { flow: { ...flow, layers: [...flow.layers, layer], http2: cluster.http2 } };
  }

  private identityOf(hop: 'sidecar' | 'gateway'): string {
    const { trustDomain } = this.configuration.registry;
    const workload = this.atGateway;
    return hop === 'sidecar' || !workload ? `spiffe://${trustDomain}/ns/${this.pod.namespace}/sa/${this.pod.serviceAccount}`
      : `spiffe://${trustDomain}/ns/${workload.namespace}/sa/${workload.serviceAccount ?? 'unknown'}`;
  }

  private connect(flow: Flow, hop: 'sidecar' | 'gateway', cluster: Cluster, endpoint: Endpoint, address: string, port: number): Ending {
    this.way ??= endpoint.kind === 'pod' ? 'gateway' : 'sidecar';
    switch (endpoint.kind) {
      case 'pod': return this.arriveAtGateway(flow, endpoint.workload, endpoint.port);
      case 'original': return this.reachOutside(flow, hop, address, addressHost(address), endpoint.port ?? port, cluster.deciders);
      case 'asked': {
        const layer = outermost(flow);
        const isRead = isReadable({ ...flow, layers: flow.layers.filter(({ by: whose }) => whose === 'application') });
        const [name, given] = isRead ? flow.http!.authority.split(':') : [layer?.serverName ?? ''];
        // The one filter by which a sidecar asks policies about what leaves: TLS to a name that it looks up itself.
        const verdict = isRead || hop !== 'sidecar' ? undefined
          : authorize(this.configuration.registry, this.pod, { port, trustDomain: this.configuration.registry.trustDomain, serverName: name });
        if (verdict && !verdict.allowed) {
          this.step(hop, `${verdict.reason}: closed`, verdict.deciders);
          return this.refuse(hop, undefined, verdict.reason, verdict.deciders);
        }
        const asked = isRead ? Number(given) || (layer ? 443 : 80) : endpoint.port;
        return this.reachOutside(flow, hop, this.addressOf(name), name, asked, cluster.deciders);
      }
      default: return this.reachOutside(flow, hop, this.addressOf(endpoint.host), endpoint.host, endpoint.port, cluster.deciders);
    }
  }

  /** What a proxy finds for a name. */
  private addressOf(host: string): string | undefined {
    return isIP(host) !== 0 ? host : this.configuration.places.lookUp(host, undefined, assumption => this.assumptions.add(assumption));
  }

  private arriveAtGateway(flow: Flow, workload: GatewayWorkload, port: number): Ending {
    if (this.atGateway) throw new Undetermined('the model does not follow a request from one gateway to another', []);
    const { registry } = this.configuration;
    this.gateway = workload.id;
    stopWhereUnknownKinds(registry, workload);
    const blocked = blockedBy(registry, 'egress', this.pod, { pod: workload }, port)
      ?? blockedBy(registry, 'ingress', workload, { pod: this.pod }, port);
    if (blocked) return this.dropped('sidecar', `a NetworkPolicy keeps the caller from ${workload.id}, port ${port}`, blocked);
    const listener = this.configuration.gatewayListeners(workload).get(port);
    if (!listener) {
      const causes = registry.gateways.filter(gateway => (gateway.spec.servers ?? []).length > 0).slice(0, 3)
        .map(gateway => by(gateway, 'spec.selector'));
      this.step('gateway', `${workload.id} has no server on port ${port}`, causes);
      return this.refuse('gateway', 503, `no Gateway that selects ${workload.id} has a server on port ${port} of its pods`, causes);
    }
    if (listener.rejected) {
      this.step('gateway', listener.rejected.reason, listener.rejected.deciders);
      return this.refuse('gateway', 503, listener.rejected.reason, listener.rejected.deciders);
    }
    const first = firstBytes(flow);
    const chain = listener.finder.find('', first) as typeof listener.chains[number] | undefined;
    if (!chain) {
      const skipped = listener.skipped.filter(({ server }) => first.serverName === undefined
        || server.serverNames.some(name => name === first.serverName));
      const unrouted = listener.unrouted.filter(({ serverNames }) => first.serverName !== undefined && serverNames.includes(first.serverName));
      const reason = unrouted.length > 0 ? `no route leads on from the server for ${first.serverName}`
        : skipped.length > 0 ? skipped[0].reason
          : first.serverName === undefined
            ? `no server of ${workload.id} on port ${port} takes ${first.kind === 'tls' ? 'TLS without a server name' : 'clear text'}`
            : `no server of ${workload.id} on port ${port} is called ${first.serverName}`;
      const causes = unrouted.length > 0 ? unrouted.flatMap(server => [by(server.gateway, server.field), ...this.unread(workload, server)])
        : skipped.length > 0 ? skipped.flatMap(({ server, other }) =>
          [by(server.gateway, server.field), ...(other ? [by(other.gateway, other.field)] : [])])
          : [...settingsOf(outermost(flow) ?? { by: 'application' }, 'sni'), ...[...new Set(listener.chains.map(({ server }) => server))]
            .slice(0, 3).map(({ gateway, field }) => by(gateway, `${field}.hosts`))];
      this.step('gateway', `${reason}: closed`, causes);
      return this.refuse('gateway', 503, reason, causes);
    }
    for (const { server, other, reason } of listener.skipped) {
      if (first.serverName === undefined || !server.serverNames.includes(first.serverName)) continue;
      this.remark('server-left-out', reason, [by(server.gateway, server.field), ...(other ? [by(other.gateway, other.field)] : [])]);
    }
    return this.throughServer(flow, workload, port, chain);
  }

  /** Routes for a server that it does not read, because they are in another section than its protocol has. */
  private unread(workload: GatewayWorkload, server: Server): Decider[] {
    const section = sectionOf(server.value);
    return this.configuration.registry.routesSeenFrom(workload.namespace, server.gatewayName)
      .filter(({ hosts }) => hosts.some(host => server.serverNames.includes(host)))
      .flatMap(({ object }) => ['http', 'tls', 'tcp'].filter(name => name !== section && object.spec[name]).map(name => by(object, `spec.${name}`)));
  }

  private throughServer(flow: Flow, workload: GatewayWorkload, port: number, chain: ServerChain): Ending {
    const { registry } = this.configuration;
    const { server } = chain;
    const tls = server.value.tls;
    const name = firstBytes(flow).serverName;
    let arrived = flow;
    let peer: string | undefined;
    if (tls?.httpsRedirect) {
      if (!isReadable(flow)) return this.refuse('gateway', 400, 'the server reads clear HTTP and gets something else', chain.deciders);
      this.location = `https://${flow.http!.authority.replace(/:\d+$/, '')}${flow.http!.path}`;
      this.step('gateway', `redirects with 301 to ${this.location}`, [by(server.gateway, `${server.field}.tls.httpsRedirect`)]);
      return this.refuse('gateway', 301, 'the server redirects to HTTPS', [by(server.gateway, `${server.field}.tls.httpsRedirect`)]);
    }
    if (tls && tls.mode !== 'PASSTHROUGH') {
      if (tls.mode === 'AUTO_PASSTHROUGH') {
        throw new Undetermined('the model does not follow AUTO_PASSTHROUGH',
          [by(server.gateway, `${server.field}.tls.mode`)]);
      }
      const layer = outermost(flow)!;
      if (!layer) return this.refuse('gateway', 503, 'the server expects TLS and gets clear text', [by(server.gateway, `${server.field}.tls`)]);
      if (tls.mode !== 'ISTIO_MUTUAL') throw new Undetermined(`the model does not know which certificate the server shows in mode ${tls.mode ?? 'PASSTHROUGH'}`, [by(server.gateway, `${server.field}.tls`)]);
      const trusted = this.handshake(layer, workload, server);
      if (trusted) return trusted;
      peer = layer.identity!;
      arrived = { ...flow, layers: flow.layers.slice(0, -1) };
    }
    const identity = /^spiffe:\/\/([^/]+)\/ns\/([^/]+)\/sa\/(.+)$/.exec(peer ?? '');
    if (identity) this.identity = `${identity[2]}/${identity[3]}`;
    this.step('gateway',
      `${workload.id}: server for ${server.serverNames.join(', ') || server.hosts.join(', ')}${identity ? `, caller ${tls.subjectAltNames?.length ? 'allowed by name' : 'known'}` : ', caller not known'}`,
      [by(server.gateway, identity && tls.subjectAltNames?.length ? `${server.field}.tls.subjectAltNames` : server.field)]);
    if (!identity) {
      this.remark('no-identity', 'the gateway does not know who calls: the hop to it is not mutual TLS of the mesh',
        [by(server.gateway, `${server.field}${tls ? '.tls.mode' : ''}`)]);
      for (const decider of askingForIdentity(registry, workload)) {
        this.remark('identity-asked-for', 'a policy asks who calls, which the gateway does not know here: its rule never fits', [decider]);
      }
    }
    const reads = chain.http !== undefined;
    if (reads && !isReadable(arrived)) return this.refuse('gateway', 400, 'the server reads HTTP and gets something else', chain.deciders);
    const verdict = authorize(registry, workload, {
      port,
      trustDomain: registry.trustDomain,
      ...(identity && { principal: `${identity[1]}/ns/${identity[2]}/sa/${identity[3]}`, namespace: identity[2], serviceAccount: identity[3] }),
      ...(tls && { serverName: name }),
      ...(reads && { http: arrived.http! }),
    });
    if (!verdict.allowed) {
      this.step('gateway', `${verdict.reason}: ${reads ? '403' : 'closed'}`, verdict.deciders);
      return this.refuse('gateway', reads ? 403 : 503, verdict.reason, verdict.deciders);
    }
    if (verdict.deciders.length > 0) this.step('gateway', verdict.reason, verdict.deciders);
    this.atGateway = workload;
    const scope = this.configuration.gatewayScope(workload);
    if (!reads) return this.forward(arrived, scope, 'gateway', chain.destinations!, chain.deciders, '', port);
    this.isRead = true;
    const headers = ['x-forwarded-for', 'x-forwarded-proto', 'x-request-id', 'x-envoy-attempt-count', 'x-envoy-external-address',
      ...(identity ? ['x-forwarded-client-cert'] : [])];
    const host = chain.hosts!.find(arrived.http!.authority);
    if (!host) {
      this.step('gateway', `no route for ${arrived.http!.authority}: 404`, [by(server.gateway, `${server.field}.hosts`)]);
      return this.refuse('gateway', 404,
        `no VirtualService that is bound to ${server.gatewayName} and fits its hosts speaks of ${arrived.http!.authority}`,
        [by(server.gateway, `${server.field}.hosts`)]);
    }
    return this.route(this.withHeaders(arrived, headers), scope, 'gateway', host, '', server.value.port.number);
  }

  /** Whether a hop's mutual TLS comes about. */
  private handshake(layer: Layer, workload: GatewayWorkload, server: { gateway: any; field: string; value: any }): Ending | undefined {
    const refuse = (reason: string, causes: Decider[]) => {
      this.step('gateway', `${reason}: closed`, causes);
      return this.refuse('gateway', 503, reason, causes);
    };
    const tlsField = `${server.field}.tls`;
    if (layer.identity === undefined) {
      return refuse('the server wants a certificate of the mesh, and what arrives is other TLS',
        [...settingsOf(layer, 'mode'), by(server.gateway, `${tlsField}.mode`)]);
    }
    const { trustDomain } = this.configuration.registry;
    const wanted: string[] = layer.settings!.value.subjectAltNames ?? [];
    const own = `spiffe://${trustDomain}/ns/${workload.namespace}/sa/${workload.serviceAccount}`;
    if (wanted.length > 0
      && workload.serviceAccount === undefined) {this.assumptions.add(`the pods of ${workload.id} run as ${wanted.join(' or ')}`);} else if (wanted.length > 0 && !wanted.includes(own)) {
      return refuse(`the gateway is ${own}, and the caller accepts only ${wanted.join(' or ')}`,
        settingsOf(layer, 'subjectAltNames'));
    }
    const allowed: string[] = server.value.tls.subjectAltNames ?? [];
    if (allowed.length > 0 && !allowed.includes(layer.identity)) {
      return refuse(`the server lets in ${allowed.join(', ')}, and the caller is ${layer.identity}`,
        [by(server.gateway, `${tlsField}.subjectAltNames`)]);
    }
    return undefined;
  }

  /** The last hop: a connection to an outside host. */
  private reachOutside(flow: Flow, from: HopName, address: string | undefined, name: string, port: number,
    deciders: readonly Decider[] = []): Ending {
    const { registry, places } = this.configuration;
    const whose = from === 'application' ? 'outside' : from as 'sidecar' | 'gateway';
    if (address === undefined) {
      this.step(from, `${name} has no address`, deciders);
      return this.refuse(whose, 503, `${name} cannot be resolved`, deciders);
    }
    if (address.startsWith('service ')) throw new Undetermined(`${address} is inside the mesh`, deciders);
    if (address.startsWith('allocated ')) return this.refuse(whose, 503, `${address} leads nowhere`, deciders);
    const sender = from === 'gateway' && this.atGateway ? this.atGateway : this.pod;
    const peer: Peer = { address };
    const blocked = blockedBy(registry, 'egress', sender, peer, port);
    if (blocked) {
      return this.dropped(whose, `a NetworkPolicy keeps ${from === 'gateway' ? 'the gateway' : 'the caller'} from ${name}:${port}`,
        blocked);
    }
    const described = places.at(address) ?? places.host(name);
    if (!described && places.isComplete && isIP(address) === 0) return this.refuse(whose, 503, `${name} cannot be resolved`, deciders);
    this.destination = `${isIP(name) !== 0 && described && !described.host.startsWith('stray-') ? described.host : name}:${port}`;
    const reception = receive(registry, described, described?.host ?? name, port, flow);
    for (const remark of reception.remarks) this.remarks.set(`${remark.code} ${remark.deciders[0]?.name}`, remark);
    for (const assumption of reception.assumptions) this.assumptions.add(assumption);
    const layer = outermost(flow);
    if (reception.kind !== 'nobody') {
      this.plaintext ||= reception.plaintext;
      this.serverName = layer?.serverName;
    }
    if (reception.plaintext && port === 443 && flow.payload === 'http') {
      this.remark('plaintext-to-443',
        'the request leaves in clear text to a TLS port', deciders);
    }
    this.step('outside', `${name}:${port}: ${reception.reason}`, reception.deciders);
    // Both what was wrong with the TLS, and what led it here.
    const causes = unique([...reception.deciders, ...deciders]);
    switch (reception.kind) {
      case 'answers': return this.answered(flow, reception.status, reception.clientCertificate);
      case 'nobody': return this.refuse(whose, 503, reception.reason, causes);
      case 'handshake': return this.refuse(whose, 503, reception.reason, causes);
      case 'distrusted': return { ...this.refuse('outside', undefined, reception.reason, causes), symptom: 'curl 60' as Symptom };
      case 'unauthenticated':
        if (layer!.by === 'application') return { ...this.refuse('outside', undefined, reception.reason, causes), symptom: 'closed' };
        this.clientCertificate = reception.clientCertificate;
        return this.refuse(whose, 503, reception.reason, causes);
      default: {
        const isClearHttp = layer === undefined && flow.payload === 'http';
        return {
          ...this.refuse('outside', reception.status ?? 400, reception.reason, causes),
          ...(isClearHttp && { symptom: reception.status ?? 400 }),
        };
      }
    }
  }

  private answered(flow: Flow, status: number | undefined, clientCertificate: boolean | undefined): Ending {
    const layer = outermost(flow);
    this.originator = layer ? layer.by : 'none';
    const isOwnTls = layer?.by === 'application';
    this.protocol = flow.payload === 'bytes' ? 'tcp' : flow.speak !== 'websocket' && (isOwnTls || flow.http2) ? 'h2' : 'http/1.1';
    if (flow.speak === 'websocket' && flow.http2
      && !isOwnTls) throw new Undetermined('the model does not know what a WebSocket over HTTP/2 comes to');
    if (flow.speak === 'grpc' && this.protocol !== 'h2') throw new Undetermined('gRPC needs HTTP/2 to the host, and the last proxy speaks HTTP/1.1');
    if (flow.speak === 'websocket') status = 101;
    this.clientCommonName = layer && clientCommonNameOf(this.configuration.registry, layer);
    if (flow.payload === 'http') {
      this.clientCertificate = clientCertificate ?? false;
      this.addedHeaders = isOwnTls ? [] : [...flow.added].filter(name => !this.atGateway?.hidesEnvoyHeaders || !ABOUT_ENVOY.has(name)).sort();
    }
    const way = {
      direct: 'past the sidecar',
      passthrough: 'let through by the sidecar',
      sidecar: 'from the sidecar',
      gateway: `through ${this.gateway}`,
    }[this.way!];
    const tls = isOwnTls ? ', the application\'s own TLS' : layer ? `, TLS originated at the ${layer.by}` : '';
    return {
      outcome: 'answered',
      ...(status !== undefined && { status }),
      reason: `${status ?? 'answered'} from ${this.url.hostname}, ${way}${tls}`,
      causes: [],
    };
  }

  /** How a refusal looks to the caller: a status where some proxy reads the request, else the end of the connection. */
  private refuse(whose: Answer['by'], status: number | undefined, reason: string, causes: readonly Decider[]): Ending {
    const isClear = this.url.protocol === 'http:' && this.isRead && status !== undefined;
    const isUnavailable = isClear && this.speak === 'grpc' && (status === 502 || status === 503);
    const symptom: Symptom = isUnavailable ? 'grpc-unavailable' : isClear ? status : this.url.protocol === 'https:' ? 'tls-closed' : 'closed';
    return { outcome: 'refused', symptom, by: whose, reason, causes };
  }

  private dropped(whose: Answer['by'], reason: string, causes: readonly Decider[]): Ending {
    this.step(whose === 'gateway' ? 'gateway' : whose === 'sidecar' ? 'sidecar' : 'application', reason, causes);
    // Packets that are dropped are waited for: by the application itself, or by a proxy that then gives up.
    return whose === 'outside' ? { outcome: 'refused', symptom: 'timeout', reason, causes } : this.refuse(whose, 503, reason, causes);
  }

  private withHeaders(flow: Flow, names: readonly string[]): Flow {
    const added = new Set(flow.added);
    for (const name of names) if (!flow.http!.headers.has(name)) added.add(name);
    return { ...flow, added };
  }

  /** Takes one of several possibilities; which, the script says, and else the likeliest. */
  private choose(options: readonly { weight?: number; because: string }[]): number {
    if (options.length === 1) return 0;
    const likeliest = options.reduce((best, { weight = 0 }, index) => weight > (options[best].weight ?? 0) ? index : best, 0);
    const taken = this.script[this.choices.length] ?? likeliest;
    this.choices.push({ options, taken });
    return taken;
  }

  private step(hop: HopName, text: string, deciders: readonly Decider[]): void {
    this.steps.push({ hop, text, deciders });
  }

  private remark(code: string, message: string, deciders: readonly Decider[]): void {
    this.remarks.set(`${code} ${deciders[0]?.name}`, { code, message, deciders });
  }

  private called(address: string): string {
    return isUnknownAddress(address) ? address.slice('address of '.length) : address;
  }
}

function becauseOf(missed: readonly NearMiss[]): string {
  return missed.length === 0 ? '' : ` (${missed.map(({ because }) => because).join('; ')})`;
}

function isMissing(cluster: Cluster | NoCluster): cluster is NoCluster {
  return 'missing' in cluster;
}

function endpointText(endpoint: Endpoint): string {
  return endpoint.kind === 'host' ? `${endpoint.host}:${endpoint.port}` : endpoint.kind === 'pod' ? `${endpoint.workload.id}:${endpoint.port}`
    : endpoint.kind;
}

function addressHost(address: string): string {
  return isUnknownAddress(address) ? address.slice('address of '.length) : address;
}

function unique(deciders: readonly Decider[]): readonly Decider[] {
  return deciders.length < 2 ? deciders : deciders.filter((one, index) => {
    for (let before = 0; before < index; before++) if (isSame(deciders[before], one)) return false;
    return true;
  });
}

function isSame(a: Decider, b: Decider): boolean {
  return a.name === b.name && a.field === b.field && a.namespace === b.namespace && a.kind === b.kind;
}

