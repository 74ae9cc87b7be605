import { isIP } from 'net';
import { Address, ANY_ADDRESS, ServiceAddress, textOf } from '../objects/addresses';
import { FieldRef } from '../answer/answer';
import { Chain, ChainFinder } from './chains';
import { endpointsOfSiblings } from './endpoints';
import { fieldRef } from '../answer/field-ref';
import { hostsOverlap } from '../objects/host-names';
import { Registry } from '../registry/registry';
import { Destination, destinationsFor } from '../routes/destination';
import { isForSidecar } from '../routes/matching';
import { ConnectionRoute, Routes } from '../routes/route';
import { addressFor, aliasNames, EgressListener, portOf, Scope } from '../registry/scope';
import { Service, ServicePort } from '../objects/service';
import { Undetermined } from '../answer/undetermined';
import { isWildcard } from '../../istio/hosts';
import { PORTS_WITHOUT_LISTENER } from '../../istio/ports';
import { isHttp, isTls } from '../../istio/protocols';
import { matchedRanges } from '../../istio/ranges';

/** A sidecar's outbound listener for one address and port. */
export interface OutboundListener {
  readonly bind: string;
  readonly chains: Chain[];
  protocol: 'HTTP' | 'TCP' | 'AUTO' | 'MONGO' | 'MYSQL';
  locked: boolean;
  readonly keys: Set<string>;
  /** Finds chains by what they match, once the listener is complete. */
  finder?: ChainFinder;
}

/** The listeners that a sidecar has on one port, by address. */
export function outboundListeners(registry: Registry, scope: Scope, number: number): Map<string, OutboundListener> {
  const listeners = new Map<string, OutboundListener>();
  for (const listener of scope.listeners) {
    const routesOf = routesFinder(listener);
    if (listener.port && listener.port.number !== number) continue;
    // What the sidecar captures does not come there.
    if (listener.isExplicit) {
      if (listener.bind === ANY_ADDRESS)
        throw new Undetermined('the model does not support egress listeners at every address that capture nothing', [
          fieldRef(scope.sidecar!, `spec.egress[${listener.index}]`),
        ]);
      continue;
    }
    if (listener.port) {
      const port: ServicePort = { name: listener.port.name, number, protocol: listener.port.protocol };
      for (const service of listener.services) addChains(scope, listener, routesOf, service, port, listeners);
    } else {
      for (const one of listeners.values()) one.locked = true;
      for (const service of listener.services) {
        const port = portOf(service, number);
        if (!port) continue;
        const places = ownPlaces(registry, service, port);
        if (places)
          for (const bind of places) addChains(scope, { ...listener, bind }, routesOf, service, port, listeners);
        else addChains(scope, listener, routesOf, service, port, listeners);
      }
    }
  }
  for (const listener of listeners.values()) listener.finder = new ChainFinder(listener.chains);
  return listeners;
}

/**
 * The addresses at which a service has listeners of its own, on a port that is not HTTP: a headless Service has them at
 * its endpoints, of which only written ones and those of ServiceEntries for its host are known. And where an entry
 * without addresses has resolution NONE, and another entry for the host has endpoints on the port, those that are
 * addresses.
 */
function ownPlaces(registry: Registry, service: Service, port: ServicePort): string[] | undefined {
  const { kubernetes, resolution, address } = service;
  const { number, protocol } = port;
  if (resolution !== 'NONE' || address.kind !== 'any' || isHttp(protocol)) return undefined;
  if (kubernetes) return registry.addressesOfEndpoints(service, port);
  const endpoints = endpointsOfSiblings(registry, service, number);
  // Where it selects workloads, it has listeners at theirs, or none.
  if (service.object.spec.workloadSelector) endpoints.push(...registry.addressesOfEndpoints(service, port));
  else if (endpoints.length === 0) return undefined;
  return endpoints.filter((host) => isIP(host) !== 0);
}

/** The listener that takes connections to an address, if there is one on the port. */
export function listenerFor(
  listeners: ReadonlyMap<string, OutboundListener>,
  address: Address,
): OutboundListener | undefined {
  return listeners.get(textOf(address)) ?? listeners.get(ANY_ADDRESS);
}

function addChains(
  scope: Scope,
  egress: EgressListener,
  routesOf: RoutesFinder,
  service: Service,
  port: ServicePort,
  listeners: Map<string, OutboundListener>,
): void {
  const { protocol } = port;
  if (protocol === 'UDP' || service.aliasFor !== undefined) return;
  const kind = isHttp(protocol) ? 'HTTP' : protocol === '' ? 'AUTO' : 'TCP';
  let bind = egress.bind ?? '';
  let ranges: string[] = [];
  if (bind === '') {
    const address: ServiceAddress = kind === 'HTTP' ? { kind: 'any' } : addressFor(service, scope.proxy);
    bind = address.kind === 'range' ? ANY_ADDRESS : textOf(address);
    if (address.kind === 'range') ranges = [address.range];
    // Istio creates no wildcard listener on ports of its own.
    if (kind === 'HTTP' && PORTS_WITHOUT_LISTENER.has(port.number)) return;
  }
  const current = listeners.get(bind);
  if (current?.locked) return;
  // Its listener takes the place of what the services before it have there, and reads everything as HTTP.
  if (protocol === 'HTTP_PROXY') {
    const all: Chain = { serverNames: [], ranges: [], inspected: false, http: {}, decidedBy: [portRef(service, port)] };
    listeners.set(bind, { bind, chains: [all], protocol: 'HTTP', locked: false, keys: new Set([chainKey(all)]) });
    return;
  }
  if (
    current &&
    kind === 'HTTP' &&
    current.protocol !== 'TCP' &&
    current.protocol !== 'MONGO' &&
    current.protocol !== 'MYSQL'
  )
    return;
  if (current && kind === 'AUTO' && current.protocol === 'AUTO') return;
  const wellKnown = (name: string) => name === 'MONGO' || name === 'MYSQL';
  if (current && (wellKnown(protocol) || wellKnown(current.protocol)) && protocol !== current.protocol) return;
  const chains = chainsOf(scope, routesOf, service, port, bind, ranges, kind).map((chain) => {
    const matched = matchedRanges(chain.ranges);
    return matched === chain.ranges ? chain : { ...chain, ranges: matched, isRanged: true };
  });
  if (!current || (kind === 'AUTO' && current.protocol === 'HTTP')) {
    const own = kind === 'HTTP' && bind === ANY_ADDRESS ? 'AUTO' : kind;
    const fresh: OutboundListener = {
      bind,
      chains: [],
      protocol: wellKnown(protocol) ? (protocol as 'MONGO') : own,
      locked: false,
      keys: new Set(),
    };
    for (const chain of chains) {
      fresh.keys.add(chainKey(chain));
      fresh.chains.push(chain);
    }
    listeners.set(bind, fresh);
    return;
  }
  for (const chain of chains) {
    const key = chainKey(chain);
    // Of chains that match the same connections, the first one counts.
    if (current.keys.has(key)) continue;
    current.keys.add(key);
    current.chains.push(chain);
  }
  if (!(kind === 'TCP' && (current.protocol === 'TCP' || current.protocol === protocol))) current.protocol = 'AUTO';
}

function chainsOf(
  scope: Scope,
  routesOf: RoutesFinder,
  service: Service,
  port: ServicePort,
  bind: string,
  ranges: string[],
  kind: 'HTTP' | 'TCP' | 'AUTO',
): Chain[] {
  const http = (): Chain => ({
    serverNames: [],
    ranges: [],
    inspected: kind === 'AUTO' || bind === ANY_ADDRESS,
    http: kind === 'AUTO' && bind !== ANY_ADDRESS ? { own: service } : {},
    decidedBy: [],
  });
  if (kind === 'HTTP') return [http()];
  const routes = routesOf(service.host);
  const chains = isTls(port.protocol)
    ? tlsChains(scope, service, port, bind, ranges, routes)
    : tcpChains(scope, service, port, ranges, routes);
  return kind === 'AUTO' ? [...chains, http()] : chains;
}

/** The destinations of a rule for connections, as a sidecar sees them. */
function forwardTo(scope: Scope, { targets }: ConnectionRoute, port: ServicePort): Destination[] {
  return destinationsFor(targets, port.number, (host) => scope.services.get(host));
}

function tlsChains(
  scope: Scope,
  service: Service,
  port: ServicePort,
  bind: string,
  ranges: readonly string[],
  routes: readonly Routes[],
): Chain[] {
  const chains: Chain[] = [];
  const handled = new Set<string>();
  let subnets = ranges;
  for (const rule of routes.flatMap(({ tls }) => tls)) {
    if (rule.targets.length === 0) continue;
    for (const match of rule.matches) {
      if (!isForSidecar(match.proxies, scope.proxy, port.number)) continue;
      if (match.ranges.length > 0) subnets = match.ranges;
      const key = `${match.serverNames.join()}|${match.ranges.join()}`;
      if (!handled.has(key)) {
        chains.push({
          serverNames: match.serverNames,
          ranges: subnets,
          inspected: false,
          forward: forwardTo(scope, rule, port),
          decidedBy: [match.where],
        });
      }
      handled.add(key);
    }
  }
  if (chains.length > 0) return chains;
  const address = addressFor(service, scope.proxy);
  const named =
    ranges.length > 0 ||
    (address.kind === 'any' && bind === ANY_ADDRESS) ||
    (isWildcard(service.host) && service.resolution === 'DYNAMIC_DNS');
  return [
    {
      serverNames: named ? [service.host, ...aliasNames(service, scope)] : [],
      ranges,
      inspected: false,
      forward: [ownCluster(service, port)],
      decidedBy: [portRef(service, port)],
    },
  ];
}

function tcpChains(
  scope: Scope,
  service: Service,
  port: ServicePort,
  ranges: readonly string[],
  routes: readonly Routes[],
): Chain[] {
  const chains: Chain[] = [];
  for (const rule of routes.flatMap(({ tcp }) => tcp)) {
    if (rule.targets.length === 0) continue;
    const chain = (subnets: readonly string[], where = rule.where): Chain => ({
      serverNames: [],
      ranges: subnets,
      inspected: false,
      forward: forwardTo(scope, rule, port),
      decidedBy: [where],
    });
    if (rule.matches.length === 0) return [...chains, chain(ranges)];
    const subnets: string[] = [];
    for (const match of rule.matches) {
      if (!isForSidecar(match.proxies, scope.proxy, port.number)) continue;
      if (match.ranges.length === 0) return [...chains, chain(ranges, match.where)];
      subnets.push(...match.ranges);
    }
    if (subnets.length > 0) {
      chains.push(chain(subnets));
      if ([...subnets].sort().join() === [...ranges].sort().join()) return chains;
    }
  }
  return [
    ...chains,
    {
      serverNames: [],
      ranges,
      inspected: false,
      forward: [ownCluster(service, port)],
      decidedBy: [portRef(service, port)],
    },
  ];
}

function ownCluster(service: Service, port: ServicePort): Destination {
  return {
    host: service.host,
    port: service.ports.length === 1 ? service.ports[0].number : port.number,
    weight: 100,
    decidedBy: [portRef(service, port)],
    isOwn: true,
  };
}

/** The port of the ServiceEntry or Service from which a chain was made. */
export function portRef(service: Service, port: ServicePort): FieldRef {
  const numbers = service.kubernetes
    ? service.object.spec.ports?.map((one) => one.port)
    : service.object.spec.ports?.map((one) => one.number);
  const index = numbers?.indexOf(port.number) ?? -1;
  return fieldRef(service.object, index < 0 ? undefined : `spec.ports[${index}]`);
}

/** Finds the routes that have the host of a service, in Istio's order. */
type RoutesFinder = (host: string) => readonly Routes[];

function routesFinder({ routes }: EgressListener): RoutesFinder {
  if (routes.length === 0) return () => routes;
  const exact = new Map<string, number[]>();
  const wildcards: number[] = [];
  routes.forEach(({ hosts }, index) => {
    for (const one of hosts) {
      if (isWildcard(one)) wildcards.push(index);
      else if (exact.has(one)) exact.get(one)!.push(index);
      else exact.set(one, [index]);
    }
  });
  const overlap = (index: number, host: string) => routes[index].hosts.some((one) => hostsOverlap(one, host));
  return (host) => {
    if (isWildcard(host)) return routes.filter((_, index) => overlap(index, host));
    const found = [...(exact.get(host) ?? []), ...wildcards.filter((index) => overlap(index, host))];
    return [...new Set(found)].sort((a, b) => a - b).map((index) => routes[index]);
  };
}

function chainKey({ serverNames, ranges, inspected }: Chain): string {
  return `${inspected}|${serverNames
    .filter((name) => name !== '*')
    .sort()
    .join()}|${[...ranges].sort().join()}`;
}
