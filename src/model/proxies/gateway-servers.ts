import { fieldRef } from '../answer/field-ref';
import { GatewayWorkload, podPort } from '../objects/gateways/workload';
import { stopAtUnknownField } from '../answer/known-fields';
import { selection } from '../policies/selection';
import { Registry } from '../registry/registry';
import { Undetermined } from '../answer/undetermined';
import { contains } from '../../istio/ranges';
import { FieldPath } from '../../manifests/field-path';
import { Indexed } from '../../manifests/indexed';
import { selects } from '../../manifests/selectors';
import { kindOf, tlsOf, withoutNamespace } from '../../manifests/servers';
import { IstioSpecs, ItemOf } from '../../manifests/specs';
import { valueIn } from '../../values/grouping';

type GatewaySpec = IstioSpecs['Gateway'];
type ServerSpec = ItemOf<GatewaySpec['servers']>;

/** The label, with any value, of a Service whose ports say nothing of where servers listen. */
const NO_TRANSLATION = 'experimental.istio.io/disable-gateway-port-translation';

/** A server of a Gateway, as the gateway's pods have it. */
export interface Server {
  readonly gateway: Indexed<GatewaySpec>;
  readonly field: FieldPath;
  readonly value: ServerSpec;
  /** The number that it declares, which is not always that of the pod. */
  readonly port: number;
  /** `<namespace>/<name>` of its Gateway. */
  readonly gatewayName: string;
  /** With `<namespace>/` where only VirtualServices of that namespace may bind. */
  readonly hosts: readonly string[];
  readonly serverNames: readonly string[];
}

/** The servers on one port of a gateway's pods. */
export interface PodPort {
  readonly servers: readonly Server[];
  /** Servers that lose their place to another one. */
  readonly skipped: readonly { readonly server: Server; readonly reason: string; readonly other?: Server }[];
  /** Servers of Gateways of which it is unknown whether they select the pods. */
  readonly unsure: readonly Server[];
  /** Why it is unknown at which address the servers listen. */
  readonly unknown?: Undetermined;
}

/** A `PodPort` while its servers are collected. */
interface PortInProgress {
  readonly servers: Server[];
  readonly skipped: { server: Server; reason: string; other?: Server }[];
  readonly unsure: Server[];
  unknown?: Undetermined;
  /** The addresses at which servers listen; empty for all. */
  readonly binds: Set<string>;
  /** The TLS server of each host. */
  readonly hosts: Map<string, Server>;
  /** The server for plaintext. */
  plain?: Server;
}

/**
 * The servers of all Gateways that select a gateway's pods, by pod port.
 *
 * @param translated the pod ports of servers' ports for which Services give several
 */
export function serversByPort(
  registry: Registry,
  workload: GatewayWorkload,
  translated: ReadonlyMap<number, number>,
): Map<number, PodPort> {
  const ports = new Map<number, PortInProgress>();
  const podPorts = podPortsOf(registry, workload);
  for (const gateway of registry.gatewaysFor(workload.namespace)) {
    const selected = selection(gateway.spec.selector, workload);
    if (selected === false) continue;
    stopAtUnknownField(gateway, gateway.spec, 'gateway');
    for (const [index, value] of (gateway.spec.servers ?? []).entries()) {
      const number = value.port?.number;
      if (number === undefined) continue;
      stopAtUnknownField(gateway, value, 'server', `spec.servers[${index}]`);
      if (value.tls) stopAtUnknownField(gateway, value.tls, 'serverTls', `spec.servers[${index}].tls`);
      const server = serverOf(gateway, index, value, number);
      const port = translated.get(number) ?? podPorts.get(number)?.[0] ?? number;
      const own = valueIn(ports, port, () => ({
        servers: [],
        skipped: [],
        unsure: [],
        hosts: new Map(),
        binds: new Set<string>(),
      }));
      if (selected) bindServer(own, server);
      else own.unsure.push(server);
    }
  }
  return ports;
}

/** Adds a server to the listener of its address, which is that of all others unless they say otherwise. */
function bindServer(port: PortInProgress, server: Server): void {
  const { bind = '' } = server.value;
  if (contains('127.0.0.0/8', bind)) {
    port.skipped.push({ server, reason: `the server listens at ${bind} only, which nobody else reaches` });
    return;
  }
  port.binds.add(bind);
  if (port.binds.size > 1 || (bind !== '' && bind !== '0.0.0.0'))
    port.unknown ??= new Undetermined(`it is unknown whether the pods of the gateway have the address ${bind}`, [
      fieldRef(server.gateway, bind === '' ? server.field : `${server.field}.bind`),
    ]);
  addServer(port, server);
}

/**
 * The pod ports to which the Services of a gateway map their ports: the first that istiod happens to list is where a
 * server listens. A server's port that no Service has is that of the pods.
 */
export function podPortsOf({ services }: Registry, workload: GatewayWorkload): Map<number, readonly number[]> {
  const found = new Map<number, readonly number[]>();
  for (const service of services) {
    if (!service.kubernetes || service.namespace !== workload.namespace) continue;
    const { selector } = service.object.spec;
    if (!selector || !selects(selector, workload.labels)) continue;
    if (service.object.manifest.metadata.labels?.[NO_TRANSLATION] !== undefined) continue;
    for (const { number, targetPort } of service.ports) {
      const target = podPort(workload, number, targetPort);
      const known = found.get(number) ?? [];
      if (!known.includes(target)) found.set(number, [...known, target]);
    }
  }
  return found;
}

function serverOf(gateway: Indexed<GatewaySpec>, index: number, value: ServerSpec, port: number): Server {
  const hosts = (value.hosts ?? []).map((host) =>
    host.startsWith('./') ? `${gateway.namespace}/${host.slice(2)}` : host.startsWith('*/') ? host.slice(2) : host,
  );
  return {
    gateway,
    field: `spec.servers[${index}]`,
    value,
    port,
    gatewayName: `${gateway.namespace}/${gateway.name}`,
    hosts,
    serverNames: tlsOf(value) ? [...new Set(hosts.map((host) => withoutNamespace(host).toLowerCase()))] : [],
  };
}

/**
 * Adds a server to its port: plaintext HTTP servers share a port, TLS servers share one by host, and in every other
 * case the older server keeps it. Those with settings for TLS share no host, even where they only redirect.
 */
function addServer(port: PortInProgress, server: Server): void {
  const { value } = server;
  const kind = kindOf(value);
  const isPlain = kind !== 'TLS' && !(kind === 'TCP' && value.tls);
  if (value.tls) {
    const other = server.hosts.map((host) => port.hosts.get(host)).find((one) => one !== undefined);
    for (const host of other ? [] : server.hosts) port.hosts.set(host, server);
    if (other) {
      port.skipped.push({
        server,
        other,
        reason:
          'another server of the gateway already has ' +
          `${server.hosts.filter((host) => other.hosts.includes(host)).join(', ')} on this port`,
      });
      return;
    }
  }
  if (port.servers.length === 0) {
    if (isPlain) port.plain = server;
    port.servers.push(server);
    return;
  }
  if (port.plain) {
    if (kind === 'HTTP' && kindOf(port.plain.value) === 'HTTP') port.servers.push(server);
    else
      port.skipped.push({
        server,
        other: port.plain,
        reason: `an older server uses this port with protocol ${port.plain.value.port?.protocol}`,
      });
    return;
  }
  // A plaintext server beside older TLS servers is kept: it receives what has no server name.
  if (isPlain) port.plain = server;
  port.servers.push(server);
}
