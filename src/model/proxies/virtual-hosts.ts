import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { hostsOverlap, withoutPort } from '../objects/host-names';
import { portRef } from './listener';
import { hashRejectionOf } from './hashing';
import { Registry } from '../registry/registry';
import { Destination } from '../routes/destination';
import { RouteEntry, routeEntries } from '../routes/matching';
import { Routes } from '../routes/route';
import { Undetermined } from '../answer/undetermined';
import { aliasNames, EgressListener, portOf, Scope, shortNames } from '../registry/scope';
import { Service, ServicePort } from '../objects/service';
import { inUrl } from '../../access/request-url';
import { isWildcard } from '../../istio/hosts';
import { isHttp } from '../../istio/protocols';

/** How a proxy routes the requests for some domains. */
export interface VirtualHost {
  readonly routes?: readonly RouteEntry[];
  /** Where nobody gives routes: the cluster of the service itself. */
  readonly own?: Destination;
  /** The server that redirects everything to HTTPS. */
  readonly toHttps?: FieldRef;
  readonly decidedBy: readonly FieldRef[];
}

/** The virtual hosts of one port, by domain; Envoy's choice among them. */
export class VirtualHosts {
  private readonly exact = new Map<string, VirtualHost>();
  private readonly wildcards = new Map<string, VirtualHost>();
  private readonly added = new Set<VirtualHost>();
  private known?: [Undetermined | undefined];

  /** For a proxy of this scope. */
  constructor(
    private readonly registry: Registry,
    private readonly scope: Scope,
  ) {}

  /** A domain belongs to the first virtual host that has it. */
  public add(domain: string, host: VirtualHost): void {
    const map = isWildcard(domain) ? this.wildcards : this.exact;
    const key = domain.toLowerCase();
    if (map.has(key)) return;
    map.set(key, host);
    this.added.add(host);
  }

  /** Has Envoy reject the routes of the port. */
  public reject(why: Undetermined): void {
    this.known ??= [why];
  }

  /** Why Envoy rejects the routes of the port, of which it keeps those before. */
  private get rejected(): Undetermined | undefined {
    return (this.known ??= [this.rejectedAmong(this.added)])[0];
  }

  private rejectedAmong(hosts: Iterable<VirtualHost>): Undetermined | undefined {
    for (const { routes = [], own } of hosts) {
      const rejected = routes.find(({ rule }) => rule.rejected)?.rule.rejected;
      if (rejected) return rejected;
      for (const destination of [...(own ? [own] : []), ...routes.flatMap(({ destinations }) => destinations)]) {
        const ofHash = hashRejectionOf(this.registry, this.scope, destination);
        if (ofHash) return ofHash;
      }
    }
    return undefined;
  }

  /** The virtual host for an authority, whatever its port; `alone` if Envoy has it apart from the others. */
  public find(authority: string, alone = false): VirtualHost | undefined {
    if (!alone && this.rejected) throw this.rejected;
    const found = this.lookUp(authority);
    const rejected = alone && found ? this.rejectedAmong([found]) : undefined;
    if (rejected) throw rejected;
    return found;
  }

  private lookUp(authority: string): VirtualHost | undefined {
    // Envoy cuts at the last colon outside brackets, whatever follows; HTTP/2 then refuses some of it, at the next hop.
    if (/:[^:\]]*[^\d:\]][^:\]]*$/.test(authority))
      throw new Undetermined(`the model does not know who takes ${authority}, whose port is not a number`);
    const name = withoutPort(authority).toLowerCase();
    const exact = this.exact.get(name);
    if (exact) return exact;
    let best: string | undefined;
    for (const pattern of this.wildcards.keys()) {
      if (
        name.length > pattern.length - 1 &&
        name.endsWith(pattern.slice(1)) &&
        (best === undefined || pattern.length > best.length)
      )
        best = pattern;
    }
    return best === undefined ? undefined : this.wildcards.get(best);
  }
}

/** The egress listener whose routes count on a port: the first one for it, whether or not it is the one that listens. */
export function egressListenerFor(scope: Scope, number: number): EgressListener | undefined {
  return scope.listeners.find(({ port }) => port === undefined || port.number === number);
}

/** The virtual hosts of a sidecar on a port. */
export function sidecarVirtualHosts(registry: Registry, scope: Scope, number: number): VirtualHosts {
  const hosts = new VirtualHosts(registry, scope);
  const egress = egressListenerFor(scope, number);
  if (!egress) return hosts;
  if (egress.port?.protocol === 'HTTP_PROXY')
    throw new Undetermined(`the routes of port ${number} are those of a listener of HTTP_PROXY`, [
      fieldRef(scope.sidecar!, `spec.egress[${egress.index}].port.protocol`),
    ]);
  const services = servicesOnPort(egress, number);
  const onPort = (name: string): Service | undefined => {
    const known = services.get(name.toLowerCase());
    return known && { ...known.service, ports: [known.port] };
  };
  const taken = new Set<string>();
  const isKnown = (name: string) => {
    const known = services.get(name);
    return known !== undefined && isHttpOrSniffed(known.port);
  };
  const hasWildcard = [...services.keys()].some(isWildcard);
  const isAmongServices = (host: string) =>
    services.has(host) ||
    ((isWildcard(host) || hasWildcard) && [...services.keys()].some((name) => hostsOverlap(host, name)));
  for (const routes of egress.routes) {
    if (number !== 80 && !routes.hosts.some((host) => isAmongServices(host.toLowerCase()))) continue;
    const entries = routeEntries(routes, scope.proxy, 'mesh', number, onPort);
    if (entries.length === 0) continue;
    const { unregistered, registered } = splitHosts(routes, services, egress);
    const served = registered.filter(({ port }) => isHttpOrSniffed(port));
    if (served.length === 0 && number !== 80) continue;
    const host: VirtualHost = { routes: entries, decidedBy: [fieldRef(routes.object, 'spec.hosts')] };
    for (const name of unregistered) hosts.add(inUrl(name), host);
    for (const { service } of served) {
      taken.add(service.host.toLowerCase());
      addDomains(hosts, scope, service, host, isKnown);
    }
  }
  for (const [name, { service, port }] of services) {
    if (taken.has(name) || !isHttpOrSniffed(port) || service.aliasFor !== undefined) continue;
    // In lower case, whatever the entry writes: of a host with capitals there is then no cluster.
    const own: Destination = { host: name, port: number, weight: 100, decidedBy: [portRef(service, port)] };
    addDomains(hosts, scope, service, { own, decidedBy: [portRef(service, port)] }, isKnown);
  }
  return hosts;
}

/** The services of a port by host in lower case. Of several ServiceEntries for a host, the last one has the port. */
export function servicesOnPort(egress: EgressListener | undefined, number: number) {
  const services = new Map<string, { service: Service; port: ServicePort }>();
  for (const service of egress?.services ?? []) {
    const port = portOf(service, number);
    if (port) services.set(service.host.toLowerCase(), { service, port });
  }
  return services;
}

/** The virtual host where a listener is for one service alone and detected HTTP: it takes every authority. */
export function ownVirtualHost(
  registry: Registry,
  scope: Scope,
  number: number,
  service: Service,
): VirtualHost | undefined {
  return sidecarVirtualHosts(registry, scope, number).find(service.host, true);
}

function isHttpOrSniffed({ protocol }: ServicePort): boolean {
  return isHttp(protocol) || protocol === '';
}

function splitHosts(
  routes: Routes,
  services: ReadonlyMap<string, { service: Service; port: ServicePort }>,
  egress: EgressListener,
) {
  const unregistered: string[] = [];
  const registered: { service: Service; port: ServicePort }[] = [];
  for (const host of routes.hosts.map((name) => name.toLowerCase())) {
    if (isWildcard(host)) {
      let found = false;
      for (const [name, entry] of services) {
        if (!hostsOverlap(name, host)) continue;
        found = true;
        if (egress.routesByHost.get(entry.service.host) === routes) registered.push(entry);
      }
      if (!found) unregistered.push(host);
      continue;
    }
    const entry = services.get(host);
    if (entry) registered.push(entry);
    else unregistered.push(host);
  }
  return { unregistered, registered };
}

/** Adds all names of a service. A short name is left out where another service has it as its own. */
function addDomains(
  hosts: VirtualHosts,
  scope: Scope,
  service: Service,
  host: VirtualHost,
  isKnown: (name: string) => boolean,
): void {
  const name = service.host;
  const shorts = shortNames(name, scope.proxy.namespace, service.object.clusterDomain);
  const aliases = aliasNames(service, scope);
  // That of *.shop.svc.cluster.local, in shop; what is undeclared has it already.
  if (shorts.includes('*'))
    hosts.reject(
      new Undetermined(`the short name of ${name} is "*" for proxies of the namespace: Envoy rejects the routes`, [
        fieldRef(service.object, 'spec.hosts'),
      ]),
    );
  for (const one of [name, `${name}.`, ...shorts, ...aliases])
    if (!shorts.includes(one) || !isKnown(one)) hosts.add(one, host);
  // The pods of a headless Service have names below it.
  if (service.kubernetes && service.resolution === 'NONE')
    for (const one of [name, `${name}.`, ...shorts, ...aliases]) hosts.add(`*.${one}`, host);
  if (service.address.kind === 'ip') hosts.add(inUrl(service.address.ip), host);
}
