import { Chart, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { CommonEgressProps } from './egress';
import type { IEgressGateway } from './installed-egress-gateway';
import type { Caller } from '../values/caller';
import { EgressPort, EgressProtocol } from '../values/egress-port';
import { assertHostName } from '../values/host-name';
import { assertAddress } from '../values/ip-range';
import { ISTIO_VERSION_CONTEXT, IstioVersion } from '../values/istio-version';
import { assertAnnotations, assertDnsLabel, assertLabels } from '../values/names';
import { Problems } from '../values/problems';
import { assertHeaderName, MESH_REQUEST_HEADERS } from '../values/request-headers';

/**
 * What was asked for one host, as plain data: two declarations of the same way agree when this is equal.
 */
export interface EgressPathSettings {
  readonly ports: PortSettings[];
  readonly dnsCapture: boolean;
  readonly timeout?: string;
  readonly retries?: { attempts: number; perTryTimeout?: string; retryOn?: string };
  readonly policy?: TrafficPolicy;
  readonly removeHeaders: string[];
  readonly namePrefix?: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
}

export interface PortSettings {
  readonly number: number;
  readonly name: string;
  readonly protocol: EgressProtocol;
  readonly http: boolean;
}

/** The part of a DestinationRule's traffic policy that may be given for each port. */
export interface TrafficPolicy {
  readonly connectionPool?: any;
  readonly outlierDetection?: any;
  readonly loadBalancer?: any;
}

/** Whatever weakens a promise is written on the objects that it concerns, under this annotation. */
export const UNSAFE_ANNOTATION = 'cdk8s-istio-egress/unsafe';

/** The annotations with one more thing that weakens a promise. */
export function withUnsafe(annotations: Record<string, string>, what: string): Record<string, string> {
  const said = annotations[UNSAFE_ANNOTATION];
  return { ...annotations, [UNSAFE_ANNOTATION]: said === undefined ? what : `${said}; ${what}` };
}

/** Duration in the form that Istio takes. */
export function istioDuration(duration: Duration): string {
  const ms = duration.toMilliseconds();
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** The owner of what stands in a chart. */
export function readOwner(scope: Construct, owner: string | undefined, problems: Problems): string {
  const value = owner ?? Chart.of(scope).namespace;
  if (value === undefined) {
    problems.add(
      'owner: none given, and the chart has no namespace to take it from; give `owner`, or `namespace` to the chart',
    );
    return '';
  }
  problems.check('owner', () => assertDnsLabel(value, 'owner'));
  return value;
}

/** Checks the labels and annotations that somebody wants on our objects. */
export function checkMetadata(
  props: { labels?: Record<string, string>; annotations?: Record<string, string> },
  problems: Problems,
): void {
  problems.check('labels', () => assertLabels(props.labels ?? {}));
  problems.check('annotations', () => assertAnnotations(props.annotations ?? {}));
}

/** How a construct calls itself in an error. */
export function where(construct: Construct): string {
  return `[${construct.node.path}] ${construct.constructor.name}`;
}

/** Checks the hosts of one declaration. */
export function readHosts(
  hosts: string[],
  problems: Problems,
  check: (host: string) => string = assertHostName,
): string[] {
  const list = Array.isArray(hosts) ? hosts : [];
  if (list.length === 0)
    problems.add(
      `hosts: ${typeof hosts === 'string' ? `"${hosts}" is no list` : 'none given'}; name at least one outside ` +
        'host, such as hosts: ["api.example.com"]',
    );
  const seen = new Set<string>();
  list.forEach((host, index) => {
    if (seen.has(host)) problems.add(`hosts[${index}]: "${host}" is there twice; name it once`);
    seen.add(host);
    problems.check(`hosts[${index}]`, () => check(host));
  });
  return [...seen].filter((host) => typeof host === 'string');
}

/**
 * What of a list is of the right kind; the rest is told. The compiler sees to it in TypeScript, and nobody does in
 * JavaScript.
 *
 * @param instead what to write for a value, after "is no"
 */
function readList<T>(
  prop: string,
  given: T[],
  fits: (item: any) => boolean,
  instead: (item: unknown) => [kind: string, cure: string],
  problems: Problems,
): T[] {
  if (!Array.isArray(given)) {
    problems.add(`${prop}: ${shown(given)} is no list; write ${prop}: [${instead(undefined)[1]}]`);
    return [];
  }
  return given.filter((item, index) => {
    const right = fits(item);
    if (!right) {
      const [kind, cure] = instead(item);
      problems.add(`${prop}[${index}]: ${shown(item)} is no ${kind}; write ${cure}`);
    }
    return right;
  });
}

/** The callers of a list; none for a list that is missing. */
export function readCallers(callers: Caller[] | undefined, problems: Problems): Caller[] {
  return readList('callers', callers ?? [], (caller) => typeof caller?._title === 'string', callerInstead, problems);
}

/** Refuses what is no gateway. */
export function assertGateway(gateway: IEgressGateway): void {
  if (typeof gateway?.installation?.namespace === 'string') return;
  throw new Error(
    `${shown(gateway)} is no gateway; give an EgressGateway or InstalledEgressGateway of this app, or ` +
      'InstalledEgressGateway.fromInstallation(…) for one of another',
  );
}

function isPort(port: any): boolean {
  return typeof port?.number === 'number' && typeof port?.protocol === 'string' && typeof port?.name === 'string';
}

function portInstead(port: unknown): [string, string] {
  if (port === 80) return ['EgressPort', 'EgressPort.http(80)'];
  const other = typeof port === 'number' && port !== 443;
  return [
    'EgressPort',
    other ? `what applications speak on it, such as EgressPort.tcp(${port})` : 'EgressPort.tls(443)',
  ];
}

function callerInstead(caller: unknown): [string, string] {
  const [namespace, name] =
    typeof caller === 'string' && /^[^/]+\/[^/]+$/.test(caller) ? caller.split('/') : ['payments', 'checkout'];
  return ['Caller', `Caller.serviceAccount('${namespace}', '${name}')`];
}

/** A value in an error; objects by their class, since they may hold the whole app. */
function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? String(value);
  return Array.isArray(value) ? 'a list' : `an object of class ${value.constructor?.name ?? 'Object'}`;
}

/** The release of Istio that a construct is for: its own, else the app's, else the newest. */
export function readIstioVersion(scope: Construct, given: string | undefined, problems: Problems): IstioVersion {
  const fromApp: unknown = scope.node.tryGetContext(ISTIO_VERSION_CONTEXT);
  const what = given !== undefined ? 'istioVersion' : `context "${ISTIO_VERSION_CONTEXT}"`;
  if (given === undefined && fromApp === undefined) return IstioVersion.newest();
  return problems.check(what, () => IstioVersion.parse(given ?? fromApp)) ?? IstioVersion.newest();
}

/** Reads what `SidecarEgress` and `GatewayEgress` have in common; the way's own options are added by each. */
export function readSettings(props: CommonEgressProps, problems: Problems): EgressPathSettings {
  const ports = readPorts(props.ports ?? [EgressPort.http(), EgressPort.tls()], problems);
  const speaksHttp = ports.some((port) => port.http);
  const headers = readHeaders(props, problems);
  checkMetadata(props, problems);
  if (props.namePrefix !== undefined)
    problems.check('namePrefix', () => assertDnsLabel(props.namePrefix!, 'name prefix'));
  if (!speaksHttp) {
    for (const prop of ['timeout', 'retries', 'removeHeaders', 'unsafeKeepHeaders'] as const) {
      if (props[prop] !== undefined)
        problems.add(
          `${prop}: only requests that the mesh reads have it, and no port speaks HTTP ` +
            `(${ports.map((port) => port.name).join(', ')}); leave it out`,
        );
    }
  }
  return {
    ports,
    dnsCapture: props.dnsCapture ?? false,
    timeout: positive('timeout', props.timeout, problems),
    retries: readRetries(props, problems),
    policy: readPolicy(props, problems),
    removeHeaders: headers.remove,
    namePrefix: props.namePrefix,
    labels: { ...props.labels },
    annotations:
      headers.kept.length > 0
        ? withUnsafe({ ...props.annotations }, `keeps headers: ${headers.kept.join(', ')}`)
        : { ...props.annotations },
  };
}

/**
 * Checks what tells the connections of TCP ports apart: the addresses that applications dial, or sidecars that answer
 * DNS.
 */
export function readAddresses(
  hosts: string[],
  ports: PortSettings[],
  props: { addresses?: string[]; dnsCapture?: boolean },
  ranges: boolean,
  problems: Problems,
): string[] | undefined {
  const { addresses, dnsCapture } = props;
  const tcp = ports
    .filter((port) => port.protocol === EgressProtocol.TCP)
    .map((port) => port.name)
    .join(', ');
  if (addresses?.length === 0) problems.add('addresses: empty; leave it out');
  if (addresses && hosts.length > 1)
    problems.add(`addresses: ${hosts.length} hosts cannot share them; write one construct for each host`);
  addresses?.forEach((address, index) =>
    problems.check(`addresses[${index}]`, () => {
      assertAddress(address, { ranges });
      if (addresses.indexOf(address) !== index) throw new Error(`"${address}" is there twice`);
    }),
  );
  if (tcp && !addresses && !dnsCapture) {
    problems.add(
      `addresses: none given, but ${tcp} needs them. A TCP port without an address takes every connection of ` +
        'the namespace on that port, whoever it was meant for; ' +
        'give the IP addresses that applications dial, or say `dnsCapture: true` where the sidecars answer DNS ' +
        '(ISTIO_META_DNS_CAPTURE)',
    );
  }
  if (dnsCapture && addresses)
    problems.add('dnsCapture: not together with `addresses`, which already tell the host apart; keep one of the two');
  if (dnsCapture && !tcp)
    problems.add(
      `dnsCapture: only TCP ports need it, and there is none (${ports.map((port) => port.name).join(', ')}); ` +
        'leave it out',
    );
  return addresses;
}

function readPorts(given: EgressPort[], problems: Problems): PortSettings[] {
  const ports = readList('ports', given, isPort, portInstead, problems);
  if (Array.isArray(given) && given.length === 0)
    problems.add('ports: none given; leave `ports` out for HTTP 80 and TLS 443');
  const byNumber = new Map<number, EgressPort>();
  for (const port of ports) {
    const other = byNumber.get(port.number);
    if (other)
      problems.add(`ports: ${port.number} is there twice (${other.name} and ${port.name}); a port speaks one protocol`);
    byNumber.set(port.number, port);
  }
  return [...byNumber.values()]
    .sort((a, b) => a.number - b.number)
    .map((port) => ({ number: port.number, name: port.name, protocol: port.protocol, http: port.isHttp }));
}

function readHeaders(props: CommonEgressProps, problems: Problems): { remove: string[]; kept: string[] } {
  const more = props.removeHeaders ?? [];
  const kept = props.unsafeKeepHeaders ?? [];
  more.forEach((name, index) => problems.check(`removeHeaders[${index}]`, () => assertHeaderName(name)));
  kept.forEach((name, index) =>
    problems.check(`unsafeKeepHeaders[${index}]`, () => {
      assertHeaderName(name);
      if (!MESH_REQUEST_HEADERS.includes(name))
        throw new Error(`"${name}" is not among the headers that are removed, so it stays anyway`);
      if (more.includes(name)) throw new Error(`"${name}" is under removeHeaders too`);
    }),
  );
  return { remove: [...new Set([...MESH_REQUEST_HEADERS, ...more])].filter((name) => !kept.includes(name)), kept };
}

function readRetries(props: CommonEgressProps, problems: Problems): EgressPathSettings['retries'] {
  if (!props.retries) return undefined;
  const { attempts, perTryTimeout, on } = props.retries;
  count('retries.attempts', attempts, 0, problems);
  if (attempts === 0 && (perTryTimeout || on))
    problems.add('retries: 0 attempts switch retries off, so perTryTimeout and on mean nothing; leave those out');
  if (on?.some((condition) => !/^[a-z0-9-]+$/.test(condition)))
    problems.add(
      `retries.on: ${JSON.stringify(on)} are not conditions; write Envoy's words, such as "connect-failure" or ` +
        '"gateway-error", or status codes',
    );
  return {
    attempts,
    perTryTimeout: positive('retries.perTryTimeout', perTryTimeout, problems),
    retryOn: on?.join(','),
  };
}

function readPolicy(props: CommonEgressProps, problems: Problems): TrafficPolicy | undefined {
  const { connectionPool: pool, outlierDetection: outlier, loadBalancing } = props;
  if (!pool && !outlier && !loadBalancing) return undefined;
  for (const [name, given] of Object.entries({ connectionPool: pool, outlierDetection: outlier })) {
    if (given && Object.values(given).every((value) => value === undefined))
      problems.add(`${name}: empty; give at least one field or leave it out`);
  }
  if (pool) {
    for (const field of ['maxConnections', 'maxPendingRequests', 'maxRequestsPerConnection'] as const) {
      if (pool[field] !== undefined) count(`connectionPool.${field}`, pool[field]!, 1, problems);
    }
  }
  if (outlier) {
    for (const field of ['consecutive5xxErrors', 'consecutiveGatewayErrors', 'maxEjectionPercent'] as const) {
      if (outlier[field] !== undefined) count(`outlierDetection.${field}`, outlier[field]!, 0, problems);
    }
    if ((outlier.maxEjectionPercent ?? 0) > 100)
      problems.add(
        `outlierDetection.maxEjectionPercent: ${outlier.maxEjectionPercent} is more than 100; it is a share in percent`,
      );
  }
  return {
    connectionPool:
      pool &&
      compact({
        tcp: compact({
          maxConnections: pool.maxConnections,
          connectTimeout: positive('connectionPool.connectTimeout', pool.connectTimeout, problems),
        }),
        http: compact({
          http1MaxPendingRequests: pool.maxPendingRequests,
          maxRequestsPerConnection: pool.maxRequestsPerConnection,
          idleTimeout: positive('connectionPool.idleTimeout', pool.idleTimeout, problems),
        }),
      }),
    outlierDetection:
      outlier &&
      compact({
        consecutive5XxErrors: outlier.consecutive5xxErrors, // the generated class's name for consecutive5xxErrors
        consecutiveGatewayErrors: outlier.consecutiveGatewayErrors,
        interval: positive('outlierDetection.interval', outlier.interval, problems),
        baseEjectionTime: positive('outlierDetection.baseEjectionTime', outlier.baseEjectionTime, problems),
        maxEjectionPercent: outlier.maxEjectionPercent,
      }),
    loadBalancer: loadBalancing && { simple: loadBalancing },
  };
}

function positive(prop: string, duration: Duration | undefined, problems: Problems): string | undefined {
  if (!duration) return undefined;
  if (duration.toMilliseconds() < 1)
    problems.add(
      `${prop}: ${duration.toMilliseconds()} ms is shorter than a millisecond, which Istio refuses; leave it ` +
        'out for the default',
    );
  return istioDuration(duration);
}

function count(prop: string, value: number, least: number, problems: Problems): void {
  if (!Number.isInteger(value) || value < least || value > 2 ** 31 - 1)
    problems.add(`${prop}: ${value} is no whole number from ${least} up`);
}

function compact<T extends object>(fields: T): T | undefined {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return given.length > 0 ? (Object.fromEntries(given) as T) : undefined;
}
