import { firstOf, Problems } from './names';
import { FieldPath } from '../../../manifests/field-path';
import { specOf, TrafficPolicy } from '../../../manifests/specs';
import { Manifest } from '../../../manifests/egress-object';

/** Fields that came with Istio 1.31. The API server rejects those that it does not know. */
export function* newerFields(manifest: Manifest): Problems {
  for (const [at, { redirect }] of (specOf(manifest, 'VirtualService')?.http ?? []).entries())
    if (redirect?.prefixRewrite)
      yield { field: `spec.http[${at}].redirect.prefixRewrite`, problem: 'needs Istio 1.31' };
}

/** Values that the webhook of Istio 1.31 admits and that of 1.30 rejects. */
export function* newerValues(manifest: Manifest): Problems {
  for (const [at, { hosts }] of (specOf(manifest, 'Sidecar')?.egress ?? []).entries())
    for (const [index, host] of (hosts ?? []).entries())
      if (/^~[^/]/.test(host))
        yield { field: `spec.egress[${at}].hosts[${index}]`, problem: `${JSON.stringify(host)} needs Istio 1.31` };
  const { trafficPolicy, subsets } = specOf(manifest, 'DestinationRule') ?? {};
  yield* warmupProblems(trafficPolicy, 'spec.trafficPolicy');
  for (const [at, subset] of (subsets ?? []).entries())
    yield* warmupProblems(subset.trafficPolicy, `spec.subsets[${at}].trafficPolicy`);
}

function* warmupProblems(policy: TrafficPolicy | undefined, field: FieldPath): Problems {
  const places: [Pick<TrafficPolicy, 'loadBalancer'>, FieldPath][] = [
    [policy ?? {}, field],
    ...(policy?.portLevelSettings ?? []).map((port, at): [typeof port, FieldPath] => [
      port ?? {},
      `${field}.portLevelSettings[${at}]`,
    ]),
  ];
  for (const [{ loadBalancer }, own] of places) {
    const { aggression = 1 } = (loadBalancer as { readonly warmup?: { readonly aggression?: number } })?.warmup ?? {};
    if (aggression < 1)
      yield { field: `${own}.loadBalancer.warmup.aggression`, problem: `${aggression} needs Istio 1.31` };
  }
}

/** Whether what an object says is read otherwise by Istio 1.30, or not at all. */
export function isNewer(manifest: Manifest): boolean {
  const excludes = (specOf(manifest, 'Sidecar')?.egress ?? []).some(({ hosts }) =>
    (hosts ?? []).some((host) => host.startsWith('~') && host !== '~/*'),
  );
  return excludes || [newerFields, newerValues].some((problems) => firstOf(problems(manifest)) !== undefined);
}
