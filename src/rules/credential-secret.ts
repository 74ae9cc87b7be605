import { istioObject } from './_examples';
import { Rule } from './rule';
import { groupBy } from '../values/grouping';
import { describe, describeAll, joinWords, ordered } from '../manifests/indexed';
import { isCopied, isMade } from '../manifests/declared-secrets';
import { lackingKeys } from '../manifests/secret-keys';
import { isPrivateToNamespace } from '../manifests/visibility';
import { tlsField } from '../manifests/tls';

const example = (keys: string) => `
${istioObject('DestinationRule', 'egress/a')}
spec:
  host: api.example.com
  exportTo: ["."]
  subsets:
    - name: tls
      trafficPolicy:
        tls: { mode: MUTUAL, credentialName: client, sni: api.example.com, subjectAltNames: [api.example.com] }
---
apiVersion: v1
kind: Secret
metadata: { name: client, namespace: egress }
stringData: { ${keys} }
`;

export const credentialSecret: Rule = {
  code: 'credential-secret',
  severity: 'error',
  title: 'A credentialName whose Secret is in another namespace or lacks a key',
  reason:
    'A proxy reads the Secret of a credentialName only in its own namespace, and takes tls.crt, tls.key and ca.crt ' +
    '(or cert, key and cacert) from it. The CA certificates come from no other place: without them, as without the ' +
    'Secret, requests fail with 503. What a Certificate, ExternalSecret or SealedSecret makes counts as a Secret.',
  cure:
    'Put the Secret in the namespace of the DestinationRule, with a certificate, its key, and the CA certificates ' +
    'that verify the external host (these may be in a second Secret, `<name>-cacert`).',
  see: 'https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings',
  good: example('tls.crt: PEM, tls.key: PEM, ca.crt: PEM'),
  bad: example('tls.crt: PEM, tls.key: PEM'),
  *check(index) {
    if (index.secrets.length === 0) return;
    const secrets = groupBy(index.secrets, ({ name }) => name);
    for (const [rule, blocks] of index.clientTls) {
      // If other namespaces follow the rule too, it is not known where its Secret is read.
      if (!isPrivateToNamespace(rule) && !rule.spec.workloadSelector) continue;
      const named = new Map(
        blocks
          .filter(({ credentialName }) => credentialName && !credentialName.includes('://'))
          .map((tls) => [tls.credentialName!, tls] as const),
      );
      for (const [name, tls] of named) {
        const known = secrets.get(name);
        const own = known.find(({ namespace }) => namespace === rule.namespace);
        if (own) {
          const authorities = secrets.get(`${name}-cacert`).find(({ namespace }) => namespace === rule.namespace);
          const { missing } = lackingKeys(own, authorities, tls);
          if (missing.length > 0)
            yield {
              message:
                `${describe(rule)} reads its credentials from ${isMade(own.from) ? 'the Secret of ' : ''}` +
                `${describe(own.from)}, which has no ${joinWords(missing)}.`,
              field: tlsField(rule, (one) => one === tls),
              objects: [rule, own.from],
            };
        } else if (known.length > 0 && !known.some(isCopied)) {
          const elsewhere = ordered(known.map(({ from }) => from));
          yield {
            message:
              `${describe(rule)} reads its credentials from a Secret "${name}" in namespace ${rule.namespace}, ` +
              `but there is only ${describeAll(elsewhere)}.`,
            field: tlsField(rule, (one) => one === tls),
            objects: [rule, ...elsewhere],
          };
        }
      }
    }
  },
};
