import { ClientTls } from './client-tls';
import { crash, hashFor } from './hashing';
import { inForce, placesOf, Setting, whereInForce } from './settings';
import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { Undetermined } from '../answer/undetermined';
import { MergedRule, MergedSubset } from '../objects/destination-rules';
import { Service } from '../objects/service';
import { isKnownDuration } from '../../istio/envoy';
import { TrafficPolicy } from '../../manifests/specs';
import { originates } from '../../manifests/tls';
import { millisecondsOf } from '../../schema/durations';

/** What a cluster is made from. */
export interface Settings {
  readonly service: Service;
  readonly rule?: MergedRule;
  readonly subset?: MergedSubset;
  readonly port: number;
  readonly tls?: ClientTls;
  /** Whether it speaks HTTP/2 to its endpoints. */
  readonly http2: boolean;
}

/** The most bytes of a server name, and the largest ring of hashes, that Envoy takes in a cluster. */
const LONGEST_SNI = 255;
const LARGEST_RING = 8_388_608;

/** Envoy knows 128 priorities. Istio makes one more than there are labels, each split by up to five localities. */
const MOST_PRIORITIES = 128;
const SPLIT = 5;

/** What Linux takes for TCP_KEEPIDLE and TCP_KEEPINTVL, in milliseconds, and for TCP_KEEPCNT. */
const LONGEST_KEEPALIVE = 32_767_000;
const MOST_PROBES = 127;

/** What a connection with one answer may take, in milliseconds. */
const SHORT = 100;

/** Why Envoy rejects a cluster although admission takes its rule; it keeps the one that it had before. */
export function rejectionOf(settings: Settings, endpointsWhere: readonly FieldRef[]): Undetermined | undefined {
  const { service, rule, subset, port, tls, http2 } = settings;
  const rejected = (why: string, where: readonly (FieldRef | undefined)[]) =>
    new Undetermined(
      `${why}, and Envoy rejects the cluster and keeps the one that it had before`,
      where.filter((one) => one !== undefined),
    );
  const whereOf = (name: Setting) => [whereInForce(name, rule, subset, port)];
  const balancer = inForce('loadBalancer', rule, subset, port);
  const pool = inForce('connectionPool', rule, subset, port);
  const outliers = inForce('outlierDetection', rule, subset, port);
  const { ringHash, minimumRingSize, maglev } = balancer?.consistentHash ?? {};
  if ((ringHash?.minimumRingSize ?? minimumRingSize ?? 0) > LARGEST_RING)
    return rejected(`a ring of hashes has more than ${LARGEST_RING} entries`, whereOf('loadBalancer'));
  if (maglev?.tableSize === 1) return crash(whereOf('loadBalancer')[0]!);
  const { localityLbSetting, zoneAwareLbSetting, warmup, warmupDurationSecs } = balancer ?? {};
  const labels = Math.max(...[localityLbSetting, zoneAwareLbSetting].map((one) => one?.failoverPriority?.length ?? 0));
  if (outliers && (labels + 1) * SPLIT > MOST_PRIORITIES)
    return rejected(
      `${labels} labels of failoverPriority may make more than ${MOST_PRIORITIES} priorities`,
      whereOf('loadBalancer'),
    );
  const { tcp, http } = pool ?? {};
  const { interval, baseEjectionTime } = outliers ?? {};
  for (const [name, durations] of [
    ['loadBalancer', [warmup?.duration, warmupDurationSecs]],
    ['outlierDetection', [interval, baseEjectionTime]],
    [
      'connectionPool',
      [
        ...[tcp?.connectTimeout, tcp?.idleTimeout, tcp?.maxConnectionDuration],
        ...[tcp?.tcpKeepalive?.time, tcp?.tcpKeepalive?.interval],
        ...[http?.idleTimeout, http?.http2KeepAlive?.interval, http?.http2KeepAlive?.timeout],
      ],
    ],
  ] as const) {
    const unknown = durations.find((one) => one !== undefined && !isKnownDuration(one));
    if (unknown !== undefined) return rejected(`the duration ${unknown} is not one that Envoy knows`, whereOf(name));
  }
  for (const { policy, where } of placesOf(rule, subset)) {
    const { budgetInterval } = policy?.retryBudget ?? {};
    if (budgetInterval !== undefined && !isKnownDuration(budgetInterval))
      return rejected(`the duration ${budgetInterval} is not one that Envoy knows`, [where()]);
  }
  if (tls && originates(tls.value) && Buffer.byteLength(tls.value.sni ?? '') > LONGEST_SNI)
    return rejected(`a server name has more than ${LONGEST_SNI} bytes`, [fieldRef(tls.object, `${tls.field}.sni`)]);
  if (service.resolution === 'DYNAMIC_DNS' && (http2 || hasHttpOptions(pool)) && !(tls && originates(tls.value)))
    return rejected(`without TLS, a host with resolution DYNAMIC_DNS has no options of HTTP, as ${service.host} has`, [
      ...endpointsWhere,
      ...(rule?.from.map((object) => fieldRef(object, 'spec')) ?? []),
    ]);
  return undefined;
}

/** Settings of a connection pool that are not options of HTTP in Envoy. */
const NO_OPTIONS: ReadonlySet<string> = new Set([
  'h2UpgradePolicy',
  'http1MaxPendingRequests',
  'http2MaxRequests',
  'maxRetries',
]);

function hasHttpOptions(pool: TrafficPolicy['connectionPool']): boolean {
  const { idleTimeout, maxConnectionDuration } = pool?.tcp ?? {};
  return (
    !!(idleTimeout ?? maxConnectionDuration) || Object.keys(pool?.http ?? {}).some((name) => !NO_OPTIONS.has(name))
  );
}

/**
 * Where weights of localities are in force. Endpoints in localities that they do not list receive nothing, and hosts
 * outside have none unless an endpoint says it.
 */
export function unevenOf({ service: { resolution }, rule, subset, port }: Settings): Undetermined | undefined {
  const { enabled, distribute = [] } = inForce('loadBalancer', rule, subset, port)?.localityLbSetting ?? {};
  const isUneven = enabled !== false && distribute.some(({ to = {} }) => !('*' in to));
  if (!isUneven || resolution === 'NONE' || resolution === 'DYNAMIC_DNS') return undefined;
  return new Undetermined(
    'weights of localities may leave a proxy without any endpoint, and no manifest tells the localities of proxies',
    [whereInForce('loadBalancer', rule, subset, port)!],
  );
}

// eslint-disable-next-line no-control-regex
const CONTROL = /[\0-\x08\n-\x1f\x7f]/;

/** What is not known of requests that the proxy reads, and of bytes that it passes on. */
export function doubtsOf({ rule, subset, port }: Settings): {
  readonly requests?: Undetermined;
  readonly bytes?: Undetermined;
} {
  const pool = inForce('connectionPool', rule, subset, port);
  const tooShort = (what: string, duration: string | undefined, where: FieldRef | undefined) => {
    const milliseconds = duration === undefined ? 0 : millisecondsOf(duration);
    return milliseconds > 0 && milliseconds < SHORT
      ? new Undetermined(`${what} ${duration}, and it is unknown whether that is enough`, [where!])
      : undefined;
  };
  const wherePool = whereInForce('connectionPool', rule, subset, port);
  const { time, interval, probes = 0 } = pool?.tcp?.tcpKeepalive ?? {};
  const isTooLong = (duration = '0s') => millisecondsOf(duration) > LONGEST_KEEPALIVE;
  const connecting =
    tooShort('a connection may take', pool?.tcp?.connectTimeout, wherePool) ??
    (isTooLong(time) || isTooLong(interval) || probes > MOST_PROBES
      ? new Undetermined(
          'the settings for TCP keepalive are more than Linux takes, and Envoy closes such connections',
          [wherePool!],
        )
      : undefined);
  // For bytes, istiod reads these from the policy of the whole host.
  const whole = rule?.policy?.value.connectionPool?.tcp;
  const where = rule?.policy && fieldRef(rule.policy.object, 'spec.trafficPolicy.connectionPool.tcp');
  const { name, path } = hashFor(rule, subset, port)?.value.httpCookie ?? {};
  return {
    requests:
      connecting ??
      (CONTROL.test(`${name} ${path}`)
        ? new Undetermined(
            'a cookie that the proxy sets holds a control character, with which nobody reads the response',
            [hashFor(rule, subset, port)!.where],
          )
        : undefined),
    bytes:
      connecting ??
      tooShort('connections may last', whole?.maxConnectionDuration, where) ??
      tooShort('connections may be idle for', whole?.idleTimeout, where),
  };
}

/** How long a cluster tries to connect, where that is said. */
export function connectTimeoutOf({ rule, subset, port }: Settings) {
  const given = inForce('connectionPool', rule, subset, port)?.tcp?.connectTimeout;
  if (given === undefined) return undefined;
  return { milliseconds: millisecondsOf(given), cause: whereInForce('connectionPool', rule, subset, port)! };
}
