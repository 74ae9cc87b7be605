import { FieldRef } from '../answer/answer';
import { Chain, ChainFinder } from './chains';
import { fieldRef } from '../answer/field-ref';
import { PodPort, Server, serversByPort } from './gateway-servers';
import { GatewayWorkload } from '../objects/gateways/workload';
import { hostsOverlap } from '../objects/host-names';
import { Registry } from '../registry/registry';
import { Destination, destinationsFor } from '../routes/destination';
import { isForServer, RouteEntry, routeEntries } from '../routes/matching';
import { ConnectionRoute } from '../routes/route';
import { Scope } from '../registry/scope';
import { Service } from '../objects/service';
import { VirtualHosts } from './virtual-hosts';
import { covers } from '../../istio/hosts';
import { kindOf, passesThrough, sectionOf } from '../../manifests/servers';
import { valueIn } from '../../values/grouping';

/** A filter chain of a gateway's listener, with the server that it was made from. */
export interface ServerChain extends Chain {
  readonly server: Server;
  /** Of a server that reads HTTP. */
  readonly hosts?: () => VirtualHosts;
  readonly destinations?: readonly Destination[];
}

/** The listener of a gateway's pods on one port. */
export interface GatewayListener {
  readonly chains: readonly ServerChain[];
  readonly finder: ChainFinder<ServerChain>;
  /** Why Envoy rejects the listener as a whole. */
  readonly rejected?: { readonly reason: string; readonly decidedBy: readonly FieldRef[] };
  /** Servers that lose their place to another one. */
  readonly skipped: PodPort['skipped'];
  /** Servers of Gateways of which it is unknown whether they select the pods. */
  readonly unsure: PodPort['unsure'];
  readonly unknown?: PodPort['unknown'];
  /** Servers for opaque connections that have no route. */
  readonly unrouted: readonly Server[];
}

/** The listeners of a gateway's pods, by pod port. */
export function gatewayListeners(
  registry: Registry,
  scope: Scope,
  workload: GatewayWorkload,
  translated: ReadonlyMap<number, number>,
): Map<number, GatewayListener> {
  return new Map(
    [...serversByPort(registry, workload, translated)].map(([port, { servers, skipped, unsure, unknown }]) => [
      port,
      { unsure, unknown, ...listenerOf(registry, scope, servers, skipped) },
    ]),
  );
}

function listenerOf(
  registry: Registry,
  scope: Scope,
  servers: readonly Server[],
  skipped: GatewayListener['skipped'],
): Omit<GatewayListener, 'unsure'> {
  const chains: ServerChain[] = [];
  const unrouted: Server[] = [];
  const plain = servers.filter(({ value }) => kindOf(value) === 'HTTP');
  if (plain.length > 0) {
    const hosts = new VirtualHosts(registry, scope);
    const merged = new Map<string, RouteEntry[]>();
    const redirected = new Map<string, FieldRef>();
    for (const server of plain) {
      const common = addRoutes(registry, scope, server, merged);
      if (!server.value.tls?.httpsRedirect) continue;
      const field = fieldRef(server.gateway, `${server.field}.tls.httpsRedirect`);
      for (const host of [...common, ...server.hosts]) redirected.set(host.toLowerCase(), field);
    }
    addVirtualHosts(hosts, merged, redirected);
    chains.push({
      server: plain[0],
      serverNames: [],
      ranges: [],
      inspected: false,
      http: {},
      hosts: () => hosts,
      decidedBy: plain.map(({ gateway, field }) => fieldRef(gateway, field)),
    });
  }
  const passed = new Set<string>();
  for (const server of servers) {
    const section = sectionOf(server.value);
    const shared = {
      server,
      ranges: [],
      inspected: false,
      decidedBy: [fieldRef(server.gateway, `${server.field}.hosts`)],
    };
    if (plain.includes(server)) continue;
    if (section === 'http') {
      let hosts: VirtualHosts | undefined;
      const { serverNames } = server;
      chains.push({ serverNames, http: {}, hosts: () => (hosts ??= hostsOf(registry, scope, server)), ...shared });
    } else if (passesOnToTheMesh(server)) {
      unrouted.push(server);
    } else if (passesThrough(server.value)) {
      const own = passthroughChains(registry, scope, server, passed);
      chains.push(...own);
      if (own.length === 0) unrouted.push(server);
    } else {
      const route = firstTcpRoute(registry, scope, server);
      if (route) {
        chains.push({
          ...shared,
          serverNames: server.serverNames,
          destinations: route.destinations,
          decidedBy: [...shared.decidedBy, ...route.decidedBy],
        });
      } else {
        unrouted.push(server);
      }
    }
  }
  const finder = new ChainFinder(chains);
  return { chains, finder, rejected: rejection(finder), skipped, unrouted };
}

/** Whether a server passes on only what is for Services of the mesh, and reads no route. */
export function passesOnToTheMesh({ value }: Server): boolean {
  return value.tls?.mode === 'AUTO_PASSTHROUGH';
}

/** Why Envoy rejects the listener, if two servers match the same server name, or one a name that Envoy does not know. */
function rejection({ overlap, partial }: ChainFinder<ServerChain>): GatewayListener['rejected'] {
  if (partial)
    return {
      reason: `the server name ${partial.name} has no dot after the "*", so Envoy rejects the whole listener`,
      decidedBy: partial.chain.decidedBy,
    };
  if (!overlap) return undefined;
  const { one, other, name } = overlap;
  return {
    reason:
      `two servers match ${name === '' ? 'every server name' : `the server name ${name}`} on this port, so Envoy ` +
      'rejects the whole listener',
    decidedBy: [one, other].map(({ server }) => fieldRef(server.gateway, `${server.field}.hosts`)),
  };
}

/** The virtual hosts of a server that shares them with no other, for which a listener has thousands of them. */
function hostsOf(registry: Registry, scope: Scope, server: Server): VirtualHosts {
  const hosts = new VirtualHosts(registry, scope);
  const merged = new Map<string, RouteEntry[]>();
  addRoutes(registry, scope, server, merged);
  addVirtualHosts(hosts, merged);
  return hosts;
}

/** Adds the routes of a server, and returns the hosts that it shares with them. */
function addRoutes(
  registry: Registry,
  scope: Scope,
  server: Server,
  merged: Map<string, RouteEntry[]>,
): ReadonlySet<string> {
  const { port } = server;
  const shared = new Set<string>();
  for (const routes of registry.routesSeenFrom(scope.proxy.namespace, server.gatewayName)) {
    const { namespace } = routes.object;
    const open = server.hosts.flatMap((host) =>
      !host.includes('/') ? [host] : host.startsWith(`${namespace}/`) ? [host.slice(namespace.length + 1)] : [],
    );
    const common = new Set(
      open.flatMap((host) =>
        routes.hosts.flatMap((other) => (covers(other, host) ? [host] : covers(host, other) ? [other] : [])),
      ),
    );
    if (common.size === 0) continue;
    for (const host of common) shared.add(host);
    const lookUp = (host: string): Service | undefined => {
      const own = registry.serviceIn(host, namespace);
      const isVisible = own && (own.exportTo.includes('*') || own.exportTo.includes(scope.proxy.namespace));
      return isVisible ? own : scope.services.get(host);
    };
    const entries = routeEntries(routes, scope.proxy, server.gatewayName, port, lookUp);
    if (entries.length === 0) continue;
    for (const host of common) {
      valueIn(merged, host.toLowerCase(), () => []).push(...entries);
    }
  }
  return shared;
}

/** Catch-all routes come last, whoever gives them. */
function addVirtualHosts(
  hosts: VirtualHosts,
  merged: ReadonlyMap<string, RouteEntry[]>,
  redirected: ReadonlyMap<string, FieldRef> = new Map(),
): void {
  for (const [host, toHttps] of redirected) hosts.add(host, { routes: [], decidedBy: [toHttps], toHttps });
  for (const [host, entries] of merged) {
    const routes = [
      ...entries.filter(({ isCatchAll }) => !isCatchAll),
      ...entries.filter(({ isCatchAll }) => isCatchAll),
    ];
    hosts.add(host, { routes, decidedBy: [fieldRef(routes[0].rule.object, 'spec.hosts')] });
  }
}

/** The first tcp rule that applies to the server, of routes that share a host with it. */
function firstTcpRoute(registry: Registry, scope: Scope, server: Server) {
  const { port } = server;
  for (const { hosts, object, tcp } of registry.routesSeenFrom(scope.proxy.namespace, server.gatewayName)) {
    if (!isBound(server, hosts, object.namespace)) continue;
    const rule = tcp.find(
      ({ targets, matches }) =>
        targets.length > 0 &&
        (matches.length === 0 || matches.some(({ proxies }) => isForServer(proxies, server.gatewayName, port))),
    );
    if (rule) return { destinations: forwardTo(scope, rule, port), decidedBy: [rule.where] };
  }
  return undefined;
}

function passthroughChains(registry: Registry, scope: Scope, server: Server, taken: Set<string>): ServerChain[] {
  const chains: ServerChain[] = [];
  const { port } = server;
  for (const { hosts, object, tls } of registry.routesSeenFrom(scope.proxy.namespace, server.gatewayName)) {
    if (!isBound(server, hosts, object.namespace)) continue;
    for (const rule of tls) {
      if (rule.targets.length === 0) continue;
      for (const { proxies, serverNames, where } of rule.matches) {
        if (!isForServer(proxies, server.gatewayName, port) || serverNames.some((name) => taken.has(name))) continue;
        for (const name of serverNames) taken.add(name);
        chains.push({
          server,
          serverNames,
          ranges: [],
          inspected: false,
          destinations: forwardTo(scope, rule, port),
          decidedBy: [fieldRef(server.gateway, server.field), where],
        });
      }
    }
  }
  return chains;
}

function forwardTo({ services }: Scope, { targets }: ConnectionRoute, port: number): Destination[] {
  return destinationsFor(targets, port, (host) => services.get(host));
}

function isBound({ hosts }: Server, names: readonly string[], namespace: string): boolean {
  return names.some((name) =>
    hosts.some((host) => {
      const slash = host.indexOf('/');
      return (slash < 0 || host.slice(0, slash) === namespace) && hostsOverlap(host.slice(slash + 1), name);
    }),
  );
}
