import { Rule } from './rule';
import { describe, Indexed, joinWords } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';

export const unverifiedName: Rule = {
  code: 'unverified-name',
  title: 'TLS whose certificate may carry any name',
  reason:
    'When `sni` is set and `subjectAltNames` is not, Istio switches the check of the name off: any certificate ' +
    'from a trusted authority passes.',
  cure: 'Add subjectAltNames with the host.',
  see: 'https://github.com/istio/istio/issues/48398',
  good: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a, namespace: shop }
spec:
  host: api.example.com
  subsets:
    - name: tls
      trafficPolicy:
        portLevelSettings:
          - { port: { number: 443 }, tls: { mode: SIMPLE, sni: api.example.com, subjectAltNames: [api.example.com] } }
`,
  bad: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a, namespace: shop }
spec:
  host: api.example.com
  subsets:
    - name: tls
      trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls: { mode: SIMPLE, sni: api.example.com } }] }
`,
  *check(index) {
    for (const [rule, blocks] of index.clientTls) {
      if (!blocks.some(isUnverified) || entryNames(index, rule)) continue;
      const names = [...new Set(blocks.filter(isUnverified).map((tls) => `"${tls.sni}"`))];
      yield {
        message:
          `${describe(rule)} asks ${rule.spec.host} for ${joinWords(names)} and accepts a certificate for any ` +
          'name.',
        objects: [rule],
      };
    }
  },
};

function isUnverified(tls: any): boolean {
  return tls.sni && !tls.subjectAltNames?.length && !tls.insecureSkipVerify;
}

/** Istio takes the entry's names where the rule has none. */
function entryNames(index: ManifestIndex, rule: Indexed): boolean {
  return index.entriesByHost.get(rule.spec.host).some((entry) => entry.spec.subjectAltNames?.length > 0);
}
