import { firstOf, Problems } from './names';
import { trafficSettings } from './traffic-settings';
import { specOf } from '../../../manifests/specs';
import { Manifest } from '../../../manifests/egress-object';

const NEEDED = 'needs Istio 1.31';

/** Fields that came with Istio 1.31. The API server rejects those that it does not know. */
export function* newerFields(manifest: Manifest): Problems {
  const { inboundConnectionPool, ingress = [] } = specOf(manifest, 'Sidecar') ?? {};
  if (inboundConnectionPool?.http?.http2KeepAlive)
    yield { field: 'spec.inboundConnectionPool.http.http2KeepAlive', problem: NEEDED };
  for (const [at, { connectionPool, tls }] of ingress.entries()) {
    if (connectionPool?.http?.http2KeepAlive)
      yield { field: `spec.ingress[${at}].connectionPool.http.http2KeepAlive`, problem: NEEDED };
    if (tls?.insecureSkipVerify !== undefined)
      yield { field: `spec.ingress[${at}].tls.insecureSkipVerify`, problem: NEEDED };
  }
  for (const [at, { redirect }] of (specOf(manifest, 'VirtualService')?.http ?? []).entries())
    if (redirect?.prefixRewrite) yield { field: `spec.http[${at}].redirect.prefixRewrite`, problem: NEEDED };
  for (const [at, { tls }] of (specOf(manifest, 'Gateway')?.servers ?? []).entries())
    if ((tls as { readonly insecureSkipVerify?: boolean } | undefined)?.insecureSkipVerify !== undefined)
      yield { field: `spec.servers[${at}].tls.insecureSkipVerify`, problem: NEEDED };
  for (const [settings, field] of trafficSettings(specOf(manifest, 'DestinationRule') ?? {})) {
    const { connectionPool, outlierDetection, loadBalancer, retryBudget } = settings;
    if (retryBudget?.budgetInterval) yield { field: `${field}.retryBudget.budgetInterval`, problem: NEEDED };
    if (connectionPool?.http?.http2KeepAlive)
      yield { field: `${field}.connectionPool.http.http2KeepAlive`, problem: NEEDED };
    if (loadBalancer?.zoneAwareLbSetting) yield { field: `${field}.loadBalancer.zoneAwareLbSetting`, problem: NEEDED };
    if (outlierDetection?.outlierDetectionHttpErrorCodes)
      yield { field: `${field}.outlierDetection.outlierDetectionHttpErrorCodes`, problem: NEEDED };
  }
}

/** Fields of the pinned schema that no release has yet. */
export function* laterFields(manifest: Manifest): Problems {
  const problem = 'needs Istio 1.32';
  for (const [kind, list] of [
    ['Gateway', 'servers'],
    ['Sidecar', 'ingress'],
  ] as const)
    for (const [at, { tls }] of ((specOf(manifest, kind) as Listening | undefined)?.[list] ?? []).entries())
      for (const name of ['alpnProtocols', 'ecdhCurves'] as const)
        if (tls?.[name]) yield { field: `spec.${list}[${at}].tls.${name}`, problem };
  for (const [settings, field] of trafficSettings(specOf(manifest, 'DestinationRule') ?? {})) {
    const { loadBalancer, outlierDetection, tls } = settings;
    if (loadBalancer?.backendUtilization) yield { field: `${field}.loadBalancer.backendUtilization`, problem };
    if (outlierDetection?.failurePercentageThreshold !== undefined)
      yield { field: `${field}.outlierDetection.failurePercentageThreshold`, problem };
    if (tls?.caCertCredentialName !== undefined) yield { field: `${field}.tls.caCertCredentialName`, problem };
  }
}

/** What listens: servers of a Gateway, and the inbound listeners of a Sidecar. */
type Listening = Readonly<
  Partial<
    Record<
      'servers' | 'ingress',
      readonly { readonly tls?: Readonly<Record<'alpnProtocols' | 'ecdhCurves', unknown>> }[]
    >
  >
>;

/** Values that the webhook of Istio 1.31 admits and that of 1.30 rejects. */
export function* newerValues(manifest: Manifest): Problems {
  for (const [at, { hosts }] of (specOf(manifest, 'Sidecar')?.egress ?? []).entries())
    for (const [index, host] of (hosts ?? []).entries())
      if (/^~[^/]/.test(host))
        yield { field: `spec.egress[${at}].hosts[${index}]`, problem: `${JSON.stringify(host)} ${NEEDED}` };
  for (const [{ loadBalancer }, field] of trafficSettings(specOf(manifest, 'DestinationRule') ?? {})) {
    const { aggression = 1 } = loadBalancer?.warmup ?? {};
    if (aggression < 1) yield { field: `${field}.loadBalancer.warmup.aggression`, problem: `${aggression} ${NEEDED}` };
  }
}

/** Whether what an object says is read otherwise by Istio 1.30, or not at all. */
export function isNewer(manifest: Manifest): boolean {
  const excludes = (specOf(manifest, 'Sidecar')?.egress ?? []).some(({ hosts }) =>
    (hosts ?? []).some((host) => host.startsWith('~') && host !== '~/*'),
  );
  return excludes || [newerFields, newerValues].some((problems) => firstOf(problems(manifest)) !== undefined);
}
