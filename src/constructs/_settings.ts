/** What `SidecarEgress` and `GatewayEgress` read of their props alike: the settings of an egress path. */
import { Duration } from 'cdk8s';
import { METADATA } from './_readers';
import { CommonEgressProps } from './egress-props';
import { defaultTlsPort } from '../declarations/origination';
import { EgressPathSettings, PortSettings, TrafficPolicy } from '../declarations/settings';
import { isOpaque } from '../istio/protocols';
import { EgressPort } from '../values/egress-port';
import { internalMeaning } from '../values/internal-host';
import { IstioVersion } from '../values/istio-version';
import { Problems } from '../values/problems';
import {
  Checked,
  duration,
  flag,
  label,
  list,
  oneOf,
  Reader,
  Readers,
  required,
  text,
  valueOf,
} from '../values/readers';
import { assertHeaderName, MESH_REQUEST_HEADERS } from '../values/request-headers';
import {
  EgressConnectionPool,
  EgressLoadBalancing,
  EgressOutlierDetection,
  OUTLIERS,
  POOL,
  RETRIES,
} from '../values/traffic-options';

const ports: Reader<EgressPort[]> = list(
  valueOf<EgressPort>('EgressPort', (value) => {
    const number = typeof value === 'string' ? Number(value) : value;
    if (number === 80) return 'EgressPort.http(80)';
    const other = typeof number === 'number' && number > 0 && number !== 443;
    return other
      ? `the protocol that applications speak on it, such as EgressPort.tcp(${number})`
      : 'EgressPort.tls(443)';
  }),
  'EgressPort.tls(443)',
  { empty: 'empty; leave it out for HTTP on 80 and TLS on 443' },
);

const NO_HOSTS = '; name at least one external host, such as hosts: ["api.example.com"]';

/**
 * Readers for what `SidecarEgress` and `GatewayEgress` have in common.
 *
 * @param assertHost refuses hosts that this construct cannot reach
 */
export function commonReaders(assertHost: (host: string) => string): Readers<CommonEgressProps> {
  const header = text('header name', 'x-team', assertHeaderName);
  return {
    hosts: required(
      list(text('host name', 'api.example.com', assertHost), '"api.example.com"', {
        empty: `none given${NO_HOSTS}`,
        unique: true,
      }),
      NO_HOSTS,
    ),
    ports,
    dnsCapture: flag,
    istioVersion: text('release of Istio', '1.30', IstioVersion.parse),
    owner: label('owner', 'team-a'),
    timeout: duration(),
    retries: RETRIES,
    outlierDetection: OUTLIERS,
    connectionPool: POOL,
    loadBalancing: oneOf('EgressLoadBalancing', EgressLoadBalancing),
    removeHeaders: list(header, '"x-team"'),
    unsafeKeepHeaders: list(text('header name', 'x-request-id', assertMeshHeader), '"x-request-id"'),
    unsafeInternalHosts: flag,
    namePrefix: label('name prefix', 'partner'),
    ...METADATA,
  };
}

function assertMeshHeader(name: string): void {
  assertHeaderName(name);
  if (!MESH_REQUEST_HEADERS.includes(name))
    throw new Error(`"${name}" is not one of the headers that are removed, so it is kept anyway; leave it out`);
}

/**
 * The settings that `SidecarEgress` and `GatewayEgress` have in common.
 *
 * @param endpoints the names and addresses to which proxies connect instead of the hosts
 */
export function readSettings(
  props: Checked<CommonEgressProps>,
  hosts: string[],
  endpoints: string[],
  clusterDomain: string | undefined,
  problems: Problems,
): EgressPathSettings {
  const isInternal = (one: string) => internalMeaning(one, clusterDomain) !== undefined;
  const unsafeInternalHosts = { hosts: hosts.filter(isInternal), endpoints: endpoints.filter(isInternal) };
  const internal = Object.values(unsafeInternalHosts).flat();
  // Not harmless: it would silently allow one that is added later.
  if (props.unsafeInternalHosts && internal.length === 0 && !problems.has('hosts'))
    problems.add(
      'unsafeInternalHosts: only applies to hosts inside the cluster or the machine, and there is none; leave it out',
    );
  const portSettings = readPorts(props.ports, problems);
  const kept = props.unsafeKeepHeaders ?? [];
  const more = props.removeHeaders ?? [];
  for (const name of kept.filter((header) => more.includes(header)))
    problems.add(`unsafeKeepHeaders: "${name}" is under removeHeaders too; leave it out of one of them`);
  if (!portSettings.some((port) => port.http)) {
    for (const prop of ['timeout', 'retries', 'removeHeaders', 'unsafeKeepHeaders'] as const) {
      const given = props[prop];
      if (given !== undefined && !(Array.isArray(given) && given.length === 0))
        problems.add(
          `${prop}: only applies to requests that the mesh reads, and no port speaks HTTP (${names(portSettings)}); ` +
            'leave it out',
        );
    }
  }
  return {
    ports: portSettings,
    dnsCapture: (props.dnsCapture ?? false) && portSettings.some(isTcp), // without TCP it makes no difference
    timeout: istioDuration(props.timeout),
    retries: readRetries(props, problems),
    policy: readPolicy(props, problems),
    removeHeaders: [...new Set([...MESH_REQUEST_HEADERS, ...more])].filter((name) => !kept.includes(name)),
    unsafeKeepHeaders: kept,
    unsafeInternalHosts,
    namePrefix: props.namePrefix,
    labels: { ...props.labels },
    annotations: { ...props.annotations },
  };
}

/**
 * Checks what distinguishes the connections of TCP ports: the addresses that applications dial, or sidecars that answer
 * DNS. Returns the addresses, if there are any.
 */
export function readAddresses(
  hosts: string[],
  settings: PortSettings[],
  props: { addresses?: string[]; dnsCapture?: boolean },
  problems: Problems,
): string[] | undefined {
  const { dnsCapture } = props;
  const addresses = props.addresses?.length ? props.addresses : undefined;
  const tcp = settings.filter(isTcp);
  if (addresses && hosts.length > 1)
    problems.add(`addresses: ${hosts.length} hosts cannot share them; write one construct for each host`);
  if (tcp.length > 0 && !addresses && !dnsCapture && !problems.has('addresses') && !problems.has('dnsCapture')) {
    problems.add(
      `addresses: none given, but ${names(tcp)} needs them. A TCP port without an address takes every connection of ` +
        'the namespace on that port, to any host that is not declared there; give the IP addresses that applications dial, or write ' +
        '`dnsCapture: true` if the sidecars answer DNS (ISTIO_META_DNS_CAPTURE)',
    );
  }
  if (tcp.length > 0 && dnsCapture && addresses)
    problems.add('dnsCapture: not together with `addresses`, which already identify the host; keep one of the two');
  return addresses;
}

function readPorts(given: EgressPort[] | undefined, problems: Problems): PortSettings[] {
  const byNumber = new Map<number, EgressPort>();
  for (const port of given?.length ? given : [EgressPort.http(), EgressPort.tls()]) {
    const other = byNumber.get(port.number);
    if (other)
      problems.add(
        `ports: ${port.number} is listed twice (${other.name} and ${port.name}); keep one: a port has one protocol`,
      );
    byNumber.set(port.number, port);
  }
  return [...byNumber.values()]
    .sort((a, b) => a.number - b.number)
    .map(({ number, name, protocol, isHttp }) => ({ number, name, protocol: `${protocol}`, http: isHttp }));
}

/** Refuses an origination if no port speaks plain HTTP, or if its target port is declared as plain HTTP. */
export function checkOriginationPorts(
  egress: string,
  settings: PortSettings[],
  target: number | undefined,
  problems: Problems,
): void {
  if (!settings.some(({ http }) => http)) {
    problems.add(
      `egress: [${egress}] declares no port that speaks plain HTTP (${names(settings)}), so there is nothing to send ` +
        'out as TLS; add EgressPort.http() to its `ports`, or leave this TlsOrigination out',
    );
  }
  const plain = settings.find(({ number, http }) => number === (target ?? defaultTlsPort(settings)) && http);
  if (plain)
    problems.add(
      `port: ${plain.number} is declared as ${plain.protocol} by [${egress}], so the host does not speak TLS ` +
        'there; write the port on which it does, such as 443',
    );
}

function readRetries(props: Checked<CommonEgressProps>, problems: Problems): EgressPathSettings['retries'] {
  if (!props.retries) return undefined;
  const { attempts, perTryTimeout, on } = props.retries;
  if (attempts === 0 && (perTryTimeout || on))
    problems.add('retries: 0 attempts switch retries off, so `perTryTimeout` and `on` have no effect; leave them out');
  return { attempts, perTryTimeout: istioDuration(perTryTimeout), retryOn: on?.join(',') };
}

function readPolicy(props: Checked<CommonEgressProps>, problems: Problems): TrafficPolicy | undefined {
  const { connectionPool, outlierDetection, loadBalancing } = props;
  // An empty one is not the same as none: Istio would switch outlier detection on.
  if (outlierDetection && isEmpty(outlierDetection))
    problems.add('outlierDetection: empty; give at least one field, or leave it out to keep outlier detection off');
  return compact({
    connectionPool: connectionPool && poolOf(connectionPool),
    outlierDetection: outlierDetection && outliersOf(outlierDetection),
    loadBalancer: loadBalancing && { simple: loadBalancing },
  });
}

function poolOf(pool: EgressConnectionPool) {
  return compact({
    tcp: compact({ maxConnections: pool.maxConnections, connectTimeout: istioDuration(pool.connectTimeout) }),
    http: compact({
      http1MaxPendingRequests: pool.maxPendingRequests,
      maxRequestsPerConnection: pool.maxRequestsPerConnection,
      idleTimeout: istioDuration(pool.idleTimeout),
    }),
  });
}

function outliersOf(outliers: EgressOutlierDetection) {
  return compact({
    consecutive5xxErrors: outliers.consecutive5xxErrors,
    consecutiveGatewayErrors: outliers.consecutiveGatewayErrors,
    interval: istioDuration(outliers.interval),
    baseEjectionTime: istioDuration(outliers.baseEjectionTime),
    maxEjectionPercent: outliers.maxEjectionPercent,
  });
}

/** A duration in Istio's form. */
function istioDuration(span: Duration | undefined): string | undefined {
  if (!span) return undefined;
  const ms = span.toMilliseconds();
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

const isTcp = ({ protocol }: PortSettings) => isOpaque(protocol);

function names(settings: PortSettings[]): string {
  return settings.map(({ name }) => name).join(', ');
}

function isEmpty(fields: object): boolean {
  return Object.values(fields).every((value) => value === undefined);
}

function compact<T extends object>(fields: T): T | undefined {
  return isEmpty(fields)
    ? undefined
    : (Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T);
}
