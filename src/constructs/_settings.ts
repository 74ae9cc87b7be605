import { Chart, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { CommonEgressProps } from './egress-props';
import { IEgressGateway } from './i-egress-gateway';
import { defaultTlsPort } from '../declarations/origination';
import { EgressPathSettings, PortSettings, TrafficPolicy, withUnsafe } from '../declarations/settings';
import { isOpaque } from '../istio/protocols';
import { isA } from '../values/brand';
import { Caller } from '../values/caller';
import { EgressPort, ISTIO_PROTOCOL } from '../values/egress-port';
import { internalMeaning } from '../values/internal-host';
import { ISTIO_VERSION_CONTEXT, IstioVersion } from '../values/istio-version';
import { assertDnsLabel } from '../values/names';
import { Problems } from '../values/problems';
import {
  annotations,
  Checked,
  duration,
  flag,
  label,
  labels,
  list,
  oneOf,
  Reader,
  Readers,
  required,
  text,
  valueOf,
} from '../values/readers';
import { assertHeaderName, MESH_REQUEST_HEADERS } from '../values/request-headers';
import { shown } from '../values/shown';
import {
  EgressConnectionPool,
  EgressLoadBalancing,
  EgressOutlierDetection,
  OUTLIERS,
  POOL,
  RETRIES,
} from '../values/traffic-options';

/** How errors name a construct. */
export function where(construct: Construct): string {
  return `[${construct.node.path}] ${construct.constructor.name}`;
}

/** Readers for the labels and annotations of our objects. */
export const METADATA = { labels: labels(), annotations };

/** Reader for a gateway: any construct with an installation. */
export const gateway: Reader<IEgressGateway> = (value, place, problems) => {
  if (Construct.isConstruct(value) && isA('GatewayInstallation', (value as Partial<IEgressGateway>).installation))
    return value as IEgressGateway;
  problems.add(`${place}: ${shown(value)} is not a gateway; ${GATEWAY_CURE}`);
  return undefined;
};

const GATEWAY_CURE =
  'give an EgressGateway or InstalledEgressGateway of this app, or ' +
  "InstalledEgressGateway.fromInstallation(this, 'gateway', installation) for one of another app";

/** Reader for a gateway that must be given. */
export const requiredGateway = required(gateway, `; ${GATEWAY_CURE}`);

/** Reader for one caller. */
export const caller: Reader<Caller> = valueOf<Caller>('Caller', (value) => {
  const [namespace, name] =
    typeof value === 'string' && /^[^/]+\/[^/]+$/.test(value) ? value.split('/') : ['payments', 'checkout'];
  return `Caller.serviceAccount('${namespace}', '${name}')`;
});

/** Reader for callers. */
export function callers(empty?: string): Reader<Caller[]> {
  return list(caller, "Caller.serviceAccount('payments', 'checkout')", { empty });
}

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

/** The owner of the objects of a chart. */
export function readOwner(scope: Construct, given: string | undefined, problems: Problems): string {
  const value = given ?? Chart.of(scope).namespace;
  if (value === undefined) {
    if (!problems.has('owner'))
      problems.add(
        'owner: none given, and the chart has no namespace to take it from; set `owner`, or give the chart a namespace',
      );
    return '';
  }
  if (given === undefined) problems.check('owner', () => assertDnsLabel(value, 'owner'));
  return value;
}

/** The namespace that a construct is for: its own prop, else that of the chart. */
export function readNamespace(
  scope: Construct,
  given: string | undefined,
  cure: string,
  problems: Problems,
): string | undefined {
  const value = given ?? Chart.of(scope).namespace;
  if (value === undefined && !problems.has('namespace'))
    problems.add(`namespace: none given, and the chart has none; ${cure}`);
  if (given === undefined && value !== undefined) problems.check('namespace', () => assertDnsLabel(value, 'namespace'));
  return value;
}

/** The release of Istio for a construct: its own prop, else what the app states, else the newest. */
export function readIstioVersion(scope: Construct, given: string | undefined, problems: Problems): IstioVersion {
  const fromApp: unknown = scope.node.tryGetContext(ISTIO_VERSION_CONTEXT);
  if (given !== undefined) return IstioVersion.parse(given);
  if (fromApp === undefined || problems.has('istioVersion')) return IstioVersion.newest();
  const what = `context "${ISTIO_VERSION_CONTEXT}"`;
  return problems.check(what, () => IstioVersion.parse(fromApp)) ?? IstioVersion.newest();
}

/**
 * The settings that `SidecarEgress` and `GatewayEgress` have in common.
 *
 * @param destinations the names and addresses to which proxies connect
 */
export function readSettings(
  props: Checked<CommonEgressProps>,
  destinations: string[],
  clusterDomain: string | undefined,
  problems: Problems,
): EgressPathSettings {
  const internal = destinations.filter((one) => internalMeaning(one, clusterDomain) !== undefined);
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
    namePrefix: props.namePrefix,
    labels: { ...props.labels },
    annotations: [
      ...(kept.length > 0 ? [`keeps headers: ${kept.join(', ')}`] : []),
      ...(internal.length > 0 ? [`internal host: ${internal.join(', ')}`] : []),
    ].reduce(withUnsafe, { ...props.annotations }),
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
        'the namespace on that port, to any host; give the IP addresses that applications dial, or write ' +
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
    .map(({ number, name, protocol, isHttp }) => ({ number, name, protocol: ISTIO_PROTOCOL[protocol], http: isHttp }));
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
