import { Checks, problemBy, reject } from './names';
import { trafficSettings } from './traffic-settings';
import { FieldPath } from '../../../manifests/field-path';
import { Of, specOf, TrafficPolicy } from '../../../manifests/specs';
import { namesServices } from '../../../manifests/sidecar-imports';
import { Manifest } from '../../../manifests/egress-object';

const NEEDED = 'needs Istio 1.31';
const LATER = 'needs Istio 1.32';

/** Fields that came with Istio 1.31. The API server rejects those that it does not know. */
export const NEWER_FIELDS: Checks = {
  Gateway: ({ servers }) => checkListeners(servers, 'spec.servers'),
  Sidecar({ inboundConnectionPool, ingress }) {
    checkKeepAlive(inboundConnectionPool, 'spec.inboundConnectionPool');
    checkListeners(ingress, 'spec.ingress');
  },
  VirtualService({ http }) {
    for (const [at, { redirect }] of (http ?? []).entries())
      if (redirect?.prefixRewrite) reject(`spec.http[${at}].redirect.prefixRewrite`, NEEDED);
  },
  DestinationRule(spec) {
    for (const [{ connectionPool, outlierDetection, loadBalancer, retryBudget }, field] of trafficSettings(spec)) {
      if (retryBudget?.budgetInterval) reject(`${field}.retryBudget.budgetInterval`, NEEDED);
      checkKeepAlive(connectionPool, `${field}.connectionPool`);
      if (loadBalancer?.zoneAwareLbSetting) reject(`${field}.loadBalancer.zoneAwareLbSetting`, NEEDED);
      if (outlierDetection?.outlierDetectionHttpErrorCodes)
        reject(`${field}.outlierDetection.outlierDetectionHttpErrorCodes`, NEEDED);
    }
  },
};

/** Values that the webhook of Istio 1.31 admits and that of 1.30 rejects. */
export const NEWER_VALUES: Checks = {
  Sidecar({ egress }) {
    for (const [at, { hosts }] of (egress ?? []).entries())
      for (const [index, host] of (hosts ?? []).entries())
        if (/^~[^/]/.test(host)) reject(`spec.egress[${at}].hosts[${index}]`, `${JSON.stringify(host)} ${NEEDED}`);
  },
  DestinationRule(spec) {
    for (const [{ loadBalancer }, field] of trafficSettings(spec)) {
      const { aggression = 1 } = loadBalancer?.warmup ?? {};
      if (aggression < 1) reject(`${field}.loadBalancer.warmup.aggression`, `${aggression} ${NEEDED}`);
    }
  },
};

/** Fields of the pinned schema that no release has yet. */
export const LATER_FIELDS: Checks = {
  Gateway: ({ servers }) => checkLaterTls(servers, 'spec.servers'),
  Sidecar: ({ ingress }) => checkLaterTls(ingress, 'spec.ingress'),
  DestinationRule(spec) {
    for (const [{ loadBalancer, outlierDetection, tls }, field] of trafficSettings(spec)) {
      if (loadBalancer?.backendUtilization) reject(`${field}.loadBalancer.backendUtilization`, LATER);
      if (outlierDetection?.failurePercentageThreshold !== undefined)
        reject(`${field}.outlierDetection.failurePercentageThreshold`, LATER);
      if (tls?.caCertCredentialName !== undefined) reject(`${field}.tls.caCertCredentialName`, LATER);
    }
  },
};

type Pool = Of<TrafficPolicy, 'connectionPool'>;

/**
 * What listens: the servers of a Gateway, or the inbound listeners of a Sidecar. Of its TLS, the generated types lack
 * fields that are newer.
 */
interface Listening {
  readonly connectionPool?: Pool;
  readonly tls?: Readonly<Partial<Record<'insecureSkipVerify' | 'alpnProtocols' | 'ecdhCurves', unknown>>>;
}

function checkListeners(listeners: readonly Listening[] | undefined, place: FieldPath): void {
  for (const [at, { connectionPool, tls }] of (listeners ?? []).entries()) {
    checkKeepAlive(connectionPool, `${place}[${at}].connectionPool`);
    if (tls?.insecureSkipVerify !== undefined) reject(`${place}[${at}].tls.insecureSkipVerify`, NEEDED);
  }
}

function checkLaterTls(listeners: readonly Listening[] | undefined, place: FieldPath): void {
  for (const [at, { tls }] of (listeners ?? []).entries())
    for (const name of ['alpnProtocols', 'ecdhCurves'] as const)
      if (tls?.[name]) reject(`${place}[${at}].tls.${name}`, LATER);
}

function checkKeepAlive(pool: Pool | undefined, field: FieldPath): void {
  if (pool?.http?.http2KeepAlive) reject(`${field}.http.http2KeepAlive`, NEEDED);
}

/** Whether what an object says is read otherwise by Istio 1.30, or not at all. */
export function isNewer(manifest: Manifest): boolean {
  const excludes = (specOf(manifest, 'Sidecar')?.egress ?? []).some(({ hosts }) =>
    (hosts ?? []).some((host) => host.startsWith('~') && host !== '~/*'),
  );
  return excludes || [NEWER_FIELDS, NEWER_VALUES].some((checks) => problemBy(checks, manifest) !== undefined);
}

/** Whether Istio 1.30 finds more services than 1.31 of those that a Sidecar imports, if a namespace has several of a host. */
export function mayImportLess(manifest: Manifest): boolean {
  return (specOf(manifest, 'Sidecar')?.egress ?? []).some(({ hosts }) => hosts && namesServices(hosts));
}
