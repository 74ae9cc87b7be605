import { crash } from './hashing';
import { inForce, policiesOf, Settings } from './settings';
import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { Undetermined } from '../answer/undetermined';
import { isKnownDuration } from '../../istio/envoy';
import { TrafficPolicy } from '../../manifests/specs';
import { originates } from '../../manifests/tls';

/** The most bytes of a server name, and the largest ring of hashes, that Envoy takes in a cluster. */
const LONGEST_SNI = 255;
const LARGEST_RING = 8_388_608;

/** Envoy knows 128 priorities. Istio makes one more than there are labels, each split by up to five localities. */
const MOST_PRIORITIES = 128;
const SPLIT = 5;

/** Why Envoy rejects a cluster although admission takes its rule; it keeps the one that it had before. */
export function clusterRejectionOf(settings: Settings, endpointsWhere: readonly FieldRef[]): Undetermined | undefined {
  const { service, rule, tls, http2 } = settings;
  const rejected = (why: string, where: readonly (FieldRef | undefined)[]) =>
    new Undetermined(
      `${why}, and Envoy rejects the cluster and keeps the one that it had before`,
      where.filter((one) => one !== undefined),
    );
  const balancer = inForce('loadBalancer', settings);
  const pool = inForce('connectionPool', settings);
  const outliers = inForce('outlierDetection', settings);
  const { ringHash, minimumRingSize, maglev } = balancer?.value.consistentHash ?? {};
  if ((ringHash?.minimumRingSize ?? minimumRingSize ?? 0) > LARGEST_RING)
    return rejected(`a ring of hashes has more than ${LARGEST_RING} entries`, [balancer!.where]);
  if (maglev?.tableSize === 1) return crash(balancer!.where);
  const { localityLbSetting, zoneAwareLbSetting, warmup, warmupDurationSecs } = balancer?.value ?? {};
  const labels = Math.max(...[localityLbSetting, zoneAwareLbSetting].map((one) => one?.failoverPriority?.length ?? 0));
  if (outliers && (labels + 1) * SPLIT > MOST_PRIORITIES)
    return rejected(`${labels} labels of failoverPriority may make more than ${MOST_PRIORITIES} priorities`, [
      balancer?.where,
    ]);
  const { tcp, http } = pool?.value ?? {};
  const { interval, baseEjectionTime } = outliers?.value ?? {};
  for (const [where, durations] of [
    [balancer?.where, [warmup?.duration, warmupDurationSecs]],
    [outliers?.where, [interval, baseEjectionTime]],
    [
      pool?.where,
      [
        ...[tcp?.connectTimeout, tcp?.idleTimeout, tcp?.maxConnectionDuration],
        ...[tcp?.tcpKeepalive?.time, tcp?.tcpKeepalive?.interval],
        ...[http?.idleTimeout, http?.http2KeepAlive?.interval, http?.http2KeepAlive?.timeout],
      ],
    ],
  ] as const) {
    const unknown = durations.find((one) => one !== undefined && !isKnownDuration(one));
    if (unknown !== undefined) return rejected(`the duration ${unknown} is not one that Envoy knows`, [where]);
  }
  for (const { policy, where } of policiesOf(settings)) {
    const { budgetInterval } = policy?.retryBudget ?? {};
    if (budgetInterval !== undefined && !isKnownDuration(budgetInterval))
      return rejected(`the duration ${budgetInterval} is not one that Envoy knows`, [where()]);
  }
  if (tls && originates(tls.value) && Buffer.byteLength(tls.value.sni ?? '') > LONGEST_SNI)
    return rejected(`a server name has more than ${LONGEST_SNI} bytes`, [fieldRef(tls.object, `${tls.field}.sni`)]);
  if (service.resolution === 'DYNAMIC_DNS' && (http2 || hasHttpOptions(pool?.value)) && !(tls && originates(tls.value)))
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
