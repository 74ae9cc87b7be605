import { FieldRef } from './answer';
import { Chain, ChainFinder } from './chains';
import { Destination, layer4Destinations } from './destination';
import { fieldRef } from './field-ref';
import { hostsOverlap } from './host-names';
import { addressFor, EgressListener, portOf, Scope } from './scope';
import { ANY_ADDRESS, isAllocatedAddress, isServiceAddress, Service, ServicePort } from './service';
import { Undetermined } from './undetermined';
import { VirtualService } from './virtual-service';
import { isWildcard } from '../istio/hosts';
import { PORTS_WITHOUT_LISTENER } from '../istio/ports';
import { isHttp, isTls } from '../istio/protocols';
import { matchedRanges } from '../istio/ranges';
import { selects } from '../manifests/selectors';

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
export function outboundListeners(scope: Scope, number: number): Map<string, OutboundListener> {
  const listeners = new Map<string, OutboundListener>();
  for (const listener of scope.listeners) {
    if (listener.port) {
      if (listener.port.number !== number) continue;
      const where = fieldRef(scope.sidecar!, `spec.egress[${listener.index}]`);
      const raw = scope.sidecar!.spec.egress[listener.index!];
      if (
        raw.captureMode === 'NONE' ||
        listener.port.protocol === 'HTTP_PROXY' ||
        String(listener.bind ?? '').startsWith('unix:')
      ) {
        throw new Undetermined(
          'the model does not support egress listeners that applications must address explicitly',
          [where],
        );
      }
      const port: ServicePort = { name: listener.port.name, number, protocol: listener.port.protocol };
      for (const service of listener.services) addChains(scope, listener, service, port, listeners);
    } else {
      for (const one of listeners.values()) one.locked = true;
      for (const service of listener.services) {
        const port = portOf(service, number);
        if (port) addChains(scope, listener, service, port, listeners);
      }
    }
  }
  for (const listener of listeners.values()) listener.finder = new ChainFinder(listener.chains);
  return listeners;
}

/** The listener that takes connections to an address, if there is one on the port. */
export function listenerFor(
  listeners: ReadonlyMap<string, OutboundListener>,
  address: string,
): OutboundListener | undefined {
  return listeners.get(address) ?? listeners.get(ANY_ADDRESS);
}

function addChains(
  scope: Scope,
  egress: EgressListener,
  service: Service,
  port: ServicePort,
  listeners: Map<string, OutboundListener>,
): void {
  const { protocol } = port;
  if (protocol === 'UDP') return;
  const kind = isHttp(protocol) ? 'HTTP' : protocol === '' ? 'AUTO' : 'TCP';
  let bind = egress.bind ?? '';
  let ranges: string[] = [];
  if (bind === '') {
    const address = kind === 'HTTP' ? ANY_ADDRESS : addressFor(service, scope.proxy);
    bind = address.includes('/') && !isServiceAddress(address) && !isAllocatedAddress(address) ? ANY_ADDRESS : address;
    if (bind !== address) ranges = [address];
    // Istio creates no wildcard listener on ports of its own.
    if (kind === 'HTTP' && PORTS_WITHOUT_LISTENER.has(port.number)) return;
    // A headless Service has listeners for the addresses of its pods only.
    if (kind !== 'HTTP' && service.kubernetes && service.resolution === 'NONE') return;
  }
  const current = listeners.get(bind);
  if (current?.locked) return;
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
  const chains = chainsOf(scope, egress, service, port, bind, ranges, kind).map((chain) => {
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
  egress: EgressListener,
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
  const virtualServices = virtualServicesForHost(egress, service.host);
  const chains = isTls(port.protocol)
    ? tlsChains(scope, service, port, bind, ranges, virtualServices)
    : tcpChains(scope, service, port, ranges, virtualServices);
  return kind === 'AUTO' ? [...chains, http()] : chains;
}

function tlsChains(
  scope: Scope,
  service: Service,
  port: ServicePort,
  bind: string,
  ranges: string[],
  virtualServices: readonly VirtualService[],
): Chain[] {
  const chains: Chain[] = [];
  const handled = new Set<string>();
  let subnets = ranges;
  for (const { object } of virtualServices) {
    (object.spec.tls ?? []).forEach((tls: any, index: number) => {
      if (!tls.route?.length) return;
      (tls.match ?? []).forEach((match: any, at: number) => {
        if (!layer4MatchAppliesToProxy(match, scope, 'mesh', port.number, object.namespace)) return;
        if (match.destinationSubnets?.length) subnets = match.destinationSubnets;
        const key = `${(match.sniHosts ?? []).join()}|${(match.destinationSubnets ?? []).join()}`;
        if (!handled.has(key)) {
          chains.push({
            serverNames: match.sniHosts ?? [],
            ranges: subnets,
            inspected: false,
            forward: layer4Destinations(scope, object, `spec.tls[${index}]`, tls.route, port.number),
            decidedBy: [fieldRef(object, `spec.tls[${index}].match[${at}]`)],
          });
        }
        handled.add(key);
      });
    });
  }
  if (chains.length > 0) return chains;
  const address = addressFor(service, scope.proxy);
  const named =
    ranges.length > 0 ||
    (address === ANY_ADDRESS && bind === ANY_ADDRESS) ||
    (isWildcard(service.host) && service.resolution === 'DYNAMIC_DNS');
  return [
    {
      serverNames: named ? [service.host] : [],
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
  ranges: string[],
  virtualServices: readonly VirtualService[],
): Chain[] {
  const chains: Chain[] = [];
  for (const { object } of virtualServices) {
    for (const [index, tcp] of (object.spec.tcp ?? []).entries()) {
      if (!tcp.route?.length) continue;
      const field = `spec.tcp[${index}]`;
      const chain = (subnets: string[], at?: number): Chain => ({
        serverNames: [],
        ranges: subnets,
        inspected: false,
        forward: layer4Destinations(scope, object, field, tcp.route, port.number),
        decidedBy: [fieldRef(object, at === undefined ? field : `${field}.match[${at}]`)],
      });
      if (!tcp.match?.length) return [...chains, chain(ranges)];
      const subnets: string[] = [];
      for (const [at, match] of tcp.match.entries()) {
        if (!layer4MatchAppliesToProxy(match, scope, 'mesh', port.number, object.namespace)) continue;
        if (!match.destinationSubnets?.length) return [...chains, chain(ranges, at)];
        subnets.push(...match.destinationSubnets);
      }
      if (subnets.length > 0) {
        chains.push(chain(subnets));
        if ([...subnets].sort().join() === [...ranges].sort().join()) return chains;
      }
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
  };
}

/** The port of the ServiceEntry or Service from which a chain was made. */
export function portRef(service: Service, port: ServicePort): FieldRef {
  const index = (service.object.spec.ports ?? []).findIndex((one: any) => (one.number ?? one.port) === port.number);
  return fieldRef(service.object, index < 0 ? undefined : `spec.ports[${index}]`);
}

/** Whether a tls or tcp match applies to the proxy at all, before it sees a connection. */
export function layer4MatchAppliesToProxy(
  match: any,
  { proxy }: Scope,
  gateway: string,
  port: number,
  namespace: string,
): boolean {
  const gateways: string[] | undefined = match.gateways;
  return (
    (!gateways?.length || gateways.some((name) => name === gateway || `${namespace}/${name}` === gateway)) &&
    (!match.port || match.port === port) &&
    selects(match.sourceLabels, proxy.labels) &&
    (!match.sourceNamespace || match.sourceNamespace === proxy.namespace)
  );
}

const virtualServicesByHost = new WeakMap<EgressListener, { exact: Map<string, number[]>; wildcards: number[] }>();

/** The VirtualServices that have the host of a service, in Istio's order. */
function virtualServicesForHost(egress: EgressListener, host: string): readonly VirtualService[] {
  if (egress.virtualServices.length === 0) return egress.virtualServices;
  if (isWildcard(host))
    return egress.virtualServices.filter(({ hosts }) => hosts.some((one) => hostsOverlap(one, host)));
  let known = virtualServicesByHost.get(egress);
  if (!known) {
    known = { exact: new Map(), wildcards: [] };
    egress.virtualServices.forEach(({ hosts }, index) => {
      for (const one of hosts) {
        if (isWildcard(one)) known!.wildcards.push(index);
        else if (known!.exact.has(one)) known!.exact.get(one)!.push(index);
        else known!.exact.set(one, [index]);
      }
    });
    virtualServicesByHost.set(egress, known);
  }
  const found = [
    ...(known.exact.get(host) ?? []),
    ...known.wildcards.filter((index) => egress.virtualServices[index].hosts.some((one) => hostsOverlap(one, host))),
  ];
  return [...new Set(found)].sort((a, b) => a - b).map((index) => egress.virtualServices[index]);
}

function chainKey({ serverNames, ranges, inspected }: Chain): string {
  return `${inspected}|${serverNames
    .filter((name) => name !== '*')
    .sort()
    .join()}|${[...ranges].sort().join()}`;
}
