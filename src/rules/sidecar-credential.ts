import { exampleEntry, istioObject } from './_examples';
import { Rule } from './rule';
import { describe, describeAll, joinWords, ordered } from '../manifests/indexed';
import { isSeenFrom } from '../manifests/visibility';
import { isIgnoredBySidecars, tlsField } from '../manifests/tls';

const example = (selector: string) => `
${exampleEntry('{ number: 80, name: http, protocol: HTTP, targetPort: 443 }')}
---
${istioObject('DestinationRule', 'shop/a')}
spec:
  host: api.example.com
  exportTo: ["."]${selector}
  trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: MUTUAL, credentialName: client } }] }
`;

export const sidecarCredential: Rule = {
  code: 'sidecar-credential',
  severity: 'error',
  title: 'A credentialName that sidecars ignore, so that they send clear text',
  reason:
    'Sidecars use a credentialName only in a DestinationRule with a workloadSelector (or with configmap://); without ' +
    'one, Istio ignores the whole TLS settings.',
  cure:
    'Add a workloadSelector for the workloads that may read the Secret, originate TLS at an egress gateway, or set ' +
    'clientCertificate, privateKey and caCertificates to files.',
  see: 'https://github.com/istio/istio/issues/38324',
  good: example(`
  workloadSelector: { matchLabels: { app: till } }`),
  bad: example(''),
  *check(index) {
    for (const [rule, blocks] of index.clientTls) {
      const ignored = blocks.filter((tls) => isIgnoredBySidecars(rule, tls));
      if (ignored.length === 0 || !rule.spec.host) continue;
      // A gateway reads the Secret. The rule is for sidecars if no gateway uses it and the host is declared for its
      // namespace.
      if (index.isGatewayNamespace(rule.namespace) || index.isRoutedAtGateway(rule.spec.host)) continue;
      const entries = ordered(
        index.entriesByHost.get(rule.spec.host).filter((entry) => isSeenFrom(entry, rule.namespace)),
      );
      if (entries.length === 0) continue;
      const secrets = [...new Set(ignored.map(({ credentialName }) => credentialName!))];
      yield {
        message:
          `${describe(rule)} names the Secret ${joinWords(secrets)} for ${rule.spec.host}, declared by ` +
          `${describeAll(entries)}; sidecars ignore it and send clear text.`,
        field: tlsField(rule, (tls) => ignored.includes(tls)),
        objects: [rule, ...entries],
      };
    }
  },
};
