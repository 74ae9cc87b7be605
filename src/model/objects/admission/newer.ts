import { firstRejected, reject } from './names';
import { trafficSettings } from './traffic-settings';
import { FieldPath } from '../../../manifests/field-path';
import { Of, specOf, TrafficPolicy } from '../../../manifests/specs';
import { Manifest } from '../../../manifests/egress-object';

const NEEDED = 'needs Istio 1.31';

/** Fields that came with Istio 1.31. The API server rejects those that it does not know. */
export function checkNewerFields(manifest: Manifest): void {
  checkKeepAlive(specOf(manifest, 'Sidecar')?.inboundConnectionPool, 'spec.inboundConnectionPool');
  for (const [{ connectionPool, tls }, field] of listeners(manifest)) {
    checkKeepAlive(connectionPool, `${field}.connectionPool`);
    if (tls?.insecureSkipVerify !== undefined) reject(`${field}.tls.insecureSkipVerify`, NEEDED);
  }
  for (const [at, { redirect }] of (specOf(manifest, 'VirtualService')?.http ?? []).entries())
    if (redirect?.prefixRewrite) reject(`spec.http[${at}].redirect.prefixRewrite`, NEEDED);
  for (const [settings, field] of trafficSettings(specOf(manifest, 'DestinationRule') ?? {})) {
    const { connectionPool, outlierDetection, loadBalancer, retryBudget } = settings;
    if (retryBudget?.budgetInterval) reject(`${field}.retryBudget.budgetInterval`, NEEDED);
    checkKeepAlive(connectionPool, `${field}.connectionPool`);
    if (loadBalancer?.zoneAwareLbSetting) reject(`${field}.loadBalancer.zoneAwareLbSetting`, NEEDED);
    if (outlierDetection?.outlierDetectionHttpErrorCodes)
      reject(`${field}.outlierDetection.outlierDetectionHttpErrorCodes`, NEEDED);
  }
}

/** Fields of the pinned schema that no release has yet. */
export function checkLaterFields(manifest: Manifest): void {
  const problem = 'needs Istio 1.32';
  for (const [{ tls }, field] of listeners(manifest))
    for (const name of ['alpnProtocols', 'ecdhCurves'] as const)
      if (tls?.[name]) reject(`${field}.tls.${name}`, problem);
  for (const [settings, field] of trafficSettings(specOf(manifest, 'DestinationRule') ?? {})) {
    const { loadBalancer, outlierDetection, tls } = settings;
    if (loadBalancer?.backendUtilization) reject(`${field}.loadBalancer.backendUtilization`, problem);
    if (outlierDetection?.failurePercentageThreshold !== undefined)
      reject(`${field}.outlierDetection.failurePercentageThreshold`, problem);
    if (tls?.caCertCredentialName !== undefined) reject(`${field}.tls.caCertCredentialName`, problem);
  }
}

function checkKeepAlive(pool: Pool | undefined, field: FieldPath): void {
  if (pool?.http?.http2KeepAlive) reject(`${field}.http.http2KeepAlive`, NEEDED);
}

type Pool = Of<TrafficPolicy, 'connectionPool'>;

/** What listens. Of its TLS, the generated types lack fields that are newer. */
interface Listening {
  readonly connectionPool?: Pool;
  readonly tls?: Readonly<Partial<Record<'insecureSkipVerify' | 'alpnProtocols' | 'ecdhCurves', unknown>>>;
}

/** The servers of a Gateway, or the inbound listeners of a Sidecar, each with its place. */
function listeners(manifest: Manifest): (readonly [Listening, FieldPath])[] {
  const servers: readonly Listening[] = specOf(manifest, 'Gateway')?.servers ?? [];
  const ingress: readonly Listening[] = specOf(manifest, 'Sidecar')?.ingress ?? [];
  return [
    ...servers.map((one, at) => [one, `spec.servers[${at}]`] as const),
    ...ingress.map((one, at) => [one, `spec.ingress[${at}]`] as const),
  ];
}

/** Values that the webhook of Istio 1.31 admits and that of 1.30 rejects. */
export function checkNewerValues(manifest: Manifest): void {
  for (const [at, { hosts }] of (specOf(manifest, 'Sidecar')?.egress ?? []).entries())
    for (const [index, host] of (hosts ?? []).entries())
      if (/^~[^/]/.test(host)) reject(`spec.egress[${at}].hosts[${index}]`, `${JSON.stringify(host)} ${NEEDED}`);
  for (const [{ loadBalancer }, field] of trafficSettings(specOf(manifest, 'DestinationRule') ?? {})) {
    const { aggression = 1 } = loadBalancer?.warmup ?? {};
    if (aggression < 1) reject(`${field}.loadBalancer.warmup.aggression`, `${aggression} ${NEEDED}`);
  }
}

/** Whether what an object says is read otherwise by Istio 1.30, or not at all. */
export function isNewer(manifest: Manifest): boolean {
  const excludes = (specOf(manifest, 'Sidecar')?.egress ?? []).some(({ hosts }) =>
    (hosts ?? []).some((host) => host.startsWith('~') && host !== '~/*'),
  );
  return (
    excludes || [checkNewerFields, checkNewerValues].some((check) => firstRejected(() => check(manifest)) !== undefined)
  );
}
