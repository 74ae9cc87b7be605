import { Rule } from './rule';
import { describeAll, describe, joinWords, ordered } from '../manifests/indexed';
import { isSeenFrom } from '../manifests/visibility';

export const sidecarCredential: Rule = {
  code: 'sidecar-credential',
  title: 'A credentialName that a sidecar ignores, and then sends clear text',
  reason:
    'Sidecars take a credentialName only from a DestinationRule with a workloadSelector (or as configmap://); ' +
    'without it Istio leaves the whole TLS block out.',
  cure:
    'Add a workloadSelector for the workloads that may read the Secret, originate TLS at an egress gateway, or ' +
    'name files with clientCertificate, privateKey and caCertificates.',
  see: 'https://github.com/istio/istio/issues/38324',
  good: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a, namespace: shop }
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a, namespace: shop }
spec:
  host: api.example.com
  exportTo: ["."]
  workloadSelector: { matchLabels: { app: till } }
  trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: MUTUAL, credentialName: client } }] }
`,
  bad: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a, namespace: shop }
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a, namespace: shop }
spec:
  host: api.example.com
  exportTo: ["."]
  trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: MUTUAL, credentialName: client } }] }
`,
  *check(index) {
    for (const [rule, blocks] of index.clientTls) {
      if (!blocks.some(namesSecret) || rule.spec.workloadSelector || !rule.spec.host) continue;
      // A gateway reads the Secret; only where none is in sight, and the host is declared for the namespace, the rule
      // is for its sidecars.
      if (index.isGatewayNamespace(rule.namespace) || index.isRoutedAtGateway(rule.spec.host)) continue;
      const entries = ordered(
        index.entriesByHost.get(rule.spec.host).filter((entry) => isSeenFrom(entry, rule.namespace)),
      );
      if (entries.length === 0) continue;
      const secrets = [...new Set<string>(blocks.filter(namesSecret).map(({ credentialName }) => credentialName))];
      yield {
        message:
          `${describe(rule)} names the Secret ${joinWords(secrets)} for ${rule.spec.host}, declared by ` +
          `${describeAll(entries)}; sidecars ignore it and send clear text.`,
        objects: [rule, ...entries],
      };
    }
  },
};

/** A configmap:// name holds authorities only, and any proxy may read it. */
function namesSecret({ credentialName }: any): boolean {
  return !!credentialName && !credentialName.startsWith('configmap://');
}
