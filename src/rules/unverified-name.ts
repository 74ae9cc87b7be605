import { istioObject } from './_examples';
import { Rule } from './rule';
import { describe, IstioObject, joinWords } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { TlsSettings } from '../manifests/specs';
import { isOpaque, portsOf } from '../istio/protocols';
import { isForExternalHost, tlsField, tlsFor } from '../manifests/tls';

export const unverifiedName: Rule = {
  code: 'unverified-name',
  severity: 'error',
  title: 'TLS origination that accepts a certificate for any name',
  reason:
    'If `sni` is set and `subjectAltNames` is not, Istio does not verify the name: any certificate from a trusted CA ' +
    'is accepted.',
  cure: 'Add the host to subjectAltNames.',
  see: 'https://github.com/istio/istio/issues/48398',
  good: `
${istioObject('DestinationRule', 'shop/a')}
spec:
  host: api.example.com
  subsets:
    - name: tls
      trafficPolicy:
        portLevelSettings:
          - { port: { number: 443 }, tls: { mode: SIMPLE, sni: api.example.com, subjectAltNames: [api.example.com] } }
`,
  bad: `
${istioObject('DestinationRule', 'shop/a')}
spec:
  host: api.example.com
  subsets:
    - name: tls
      trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls: { mode: SIMPLE, sni: api.example.com } }] }
`,
  *check(index) {
    for (const [rule, blocks] of index.clientTls) {
      if (entryNames(index, rule)) continue;
      const unasked = namelessTcp(index, rule);
      if (unasked !== undefined)
        yield {
          message:
            `${describe(rule)} sends no server name to ${rule.spec.host}, whose port ${unasked} is TCP, and accepts ` +
            'a certificate for any name.',
          field: tlsField(rule, isNameless),
          objects: [rule],
        };
      if (!blocks.some(isUnverified)) continue;
      const names = [...new Set(blocks.filter(isUnverified).map((tls) => `"${tls.sni}"`))];
      yield {
        message:
          `${describe(rule)} sends SNI ${joinWords(names)} to ${rule.spec.host} and accepts a certificate for any ` +
          'name.',
        field: tlsField(rule, isUnverified),
        objects: [rule],
      };
    }
  },
};

function isUnverified(tls: TlsSettings): boolean {
  return !!tls.sni && !tls.subjectAltNames?.length && !tls.insecureSkipVerify;
}

/** For TCP no request is read from which a name could be taken: the port, if one originates TLS without any name. */
function namelessTcp(index: ManifestIndex, rule: IstioObject<'DestinationRule'>): number | undefined {
  const ports = index.entriesByHost
    .get(rule.spec.host ?? '')
    .flatMap((entry) => portsOf(entry))
    .filter(({ protocol }) => isOpaque(protocol));
  return ports.find(({ number }) => isNameless(tlsFor(rule.spec.trafficPolicy, number)))?.number;
}

function isNameless(tls: TlsSettings | undefined): boolean {
  return isForExternalHost(tls) && !tls?.sni && !tls?.subjectAltNames?.length && !tls?.insecureSkipVerify;
}

/** Istio uses the subjectAltNames of the entry if the rule has none. */
function entryNames(index: ManifestIndex, rule: IstioObject<'DestinationRule'>): boolean {
  return index.entriesByHost.get(rule.spec.host ?? '').some((entry) => !!entry.spec.subjectAltNames?.length);
}
