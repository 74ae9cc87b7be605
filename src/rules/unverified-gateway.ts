import { istioObject } from './_examples';
import { Rule } from './rule';
import { describe, IstioObject, ordered } from '../manifests/indexed';
import type { TlsSettings } from '../manifests/specs';
import { tlsField } from '../manifests/tls';
import { groupBy } from '../values/grouping';

const example = (second: string) => `
${istioObject('DestinationRule', 'shop/hop')}
spec:
  host: exit.egress.svc.cluster.local
  exportTo: ["."]
  subsets:
    - name: a
      trafficPolicy:
        tls: { mode: ISTIO_MUTUAL, sni: a.internal, subjectAltNames: [spiffe://cluster.local/ns/egress/sa/exit] }
    - name: b
${second}
`;

export const unverifiedGateway: Rule = {
  code: 'unverified-gateway',
  severity: 'warning',
  title: 'Mutual TLS to a gateway that accepts any identity, beside settings that verify it',
  reason:
    'Without `subjectAltNames` a sidecar accepts every identity that the pods of the Service have. Whoever can run a ' +
    "pod there with the Service's labels receives these requests, but not those whose settings name an identity.",
  cure: "Add the gateway's SPIFFE identity to subjectAltNames, as in the other settings for the host.",
  good: example(`      trafficPolicy:
        tls: { mode: ISTIO_MUTUAL, sni: b.internal, subjectAltNames: [spiffe://cluster.local/ns/egress/sa/exit] }`),
  bad: example('      trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: b.internal } }'),
  *check(index) {
    const unverified = [...index.meshTls].filter(([, blocks]) => blocks.some(isUnverified));
    if (unverified.length === 0) return;
    const verifying = groupBy(
      [...index.meshTls].filter(([, blocks]) => blocks.some((tls) => !isUnverified(tls))).map(([rule]) => rule),
      (rule) => rule.spec.host,
    );
    const examples = new Map<string | undefined, IstioObject<'DestinationRule'>>();
    for (const [rule] of unverified) {
      const { host } = rule.spec;
      if (!verifying.has(host)) continue;
      const beside = examples.get(host) ?? ordered(verifying.get(host))[0];
      examples.set(host, beside);
      const whose = beside === rule ? 'other settings of it verify' : `${describe(beside)} verifies`;
      yield {
        message: `${describe(rule)} accepts any identity at ${host}, which ${whose}.`,
        field: tlsField(rule, isUnverified),
        objects: [rule, beside],
      };
    }
  },
};

function isUnverified({ mode, subjectAltNames }: TlsSettings): boolean {
  return mode === 'ISTIO_MUTUAL' && !subjectAltNames?.length;
}
