import { istioObject } from './_examples';
import { Rule } from './rule';
import { modeOf } from '../istio/outbound-traffic-policy';
import { describe, IstioObject, ordered } from '../manifests/indexed';

const example = (mode: string) => `
${istioObject('Sidecar', 'istio-system/default')}
spec: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
---
${istioObject('Sidecar', 'shop/default')}
spec: { egress: [{ hosts: ["./*"] }]${mode} }
`;

export const sidecarWithoutMode: Rule = {
  code: 'sidecar-without-mode',
  severity: 'error',
  title: "A Sidecar without outboundTrafficPolicy in a mesh that the root namespace's Sidecar locks",
  reason:
    'A Sidecar without outboundTrafficPolicy uses the one of the mesh configuration, not that of the root Sidecar, ' +
    'so it unlocks its namespace.',
  cure:
    'Set outboundTrafficPolicy: { mode: REGISTRY_ONLY } in it, or lock the namespace with RegistryOnlyMesh and ' +
    '`namespaces`.',
  good: example(', outboundTrafficPolicy: { mode: REGISTRY_ONLY }'),
  bad: example(''),
  *check(index) {
    const sidecars = index.ofKind('Sidecar');
    const isDefault = ({ namespace, spec }: IstioObject<'Sidecar'>) =>
      namespace === index.rootNamespace && !spec.workloadSelector;
    const locks = ({ spec }: IstioObject<'Sidecar'>) => modeOf(spec.outboundTrafficPolicy) === 'REGISTRY_ONLY';
    const [lock] = ordered(sidecars.filter((sidecar) => isDefault(sidecar) && locks(sidecar)));
    if (!lock) return;
    for (const sidecar of sidecars) {
      // Two defaults in the root namespace are a case for default-sidecar-conflict.
      if (sidecar.spec.outboundTrafficPolicy || isDefault(sidecar)) continue;
      yield {
        message:
          `${describe(sidecar)} has no outboundTrafficPolicy, so ${describe(lock)} does not lock its workloads in ` +
          `namespace ${sidecar.namespace}.`,
        field: 'spec',
        objects: [sidecar, lock],
      };
    }
  },
};
