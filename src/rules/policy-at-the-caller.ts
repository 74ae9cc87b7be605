import { exampleEntry, istioObject, TLS_PORT } from './_examples';
import { Rule } from './rule';
import { isExternal } from '../manifests/entries';
import { describe, describeAll, joinWords, ordered } from '../manifests/indexed';

export const policyAtTheCaller: Rule = {
  code: 'policy-at-the-caller',
  severity: 'error',
  title: 'An AuthorizationPolicy that names an external host where no request for it arrives',
  reason:
    'A policy applies to requests that arrive at the selected pods, not to those that they send. At the callers of ' +
    'an external host it neither denies nor allows anything that leaves.',
  cure: "Put the policy on the egress gateway's pods, and route the host through the gateway.",
  see: 'https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway/',
  good: `
${exampleEntry(TLS_PORT)}
---
${istioObject('AuthorizationPolicy', 'egress/a')}
spec:
  selector: { matchLabels: { istio: exit } }
  action: DENY
  rules: [{ to: [{ operation: { hosts: [api.example.com, "api.example.com:*"] } }] }]
---
${istioObject('Gateway', 'egress/exit')}
spec:
  selector: { istio: exit }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [api.example.com] }]
`,
  bad: `
${exampleEntry(TLS_PORT)}
---
${istioObject('AuthorizationPolicy', 'shop/a')}
spec:
  action: DENY
  rules: [{ to: [{ operation: { hosts: [api.example.com, "api.example.com:*"] } }] }]
`,
  *check(index) {
    for (const policy of index.ofKind('AuthorizationPolicy')) {
      const { spec, namespace } = policy;
      if (spec.targetRef || spec.targetRefs || namespace === index.rootNamespace) continue;
      // A gateway may serve the name of an external host, and its Gateway may be in another namespace than its pods.
      if (index.isGatewayNamespace(namespace) || spec.selector?.matchLabels?.istio !== undefined) continue;
      for (const [position, rule] of (spec.rules ?? []).entries()) {
        const hosts = (rule?.to ?? []).flatMap((to) => to?.operation?.hosts ?? []);
        const names = [...new Set(hosts.map((host) => host.replace(/:.*$/, '')))].filter((host) =>
          index.entriesByHost.get(host).some(isExternal),
        );
        if (names.length === 0) continue;
        const entries = ordered(names.flatMap((host) => index.entriesByHost.get(host)));
        yield {
          message:
            `${describe(policy)} names ${joinWords(names)}, an external host according to ${describeAll(entries)}, ` +
            `but applies to what arrives at pods of namespace ${namespace}.`,
          field: `spec.rules[${position}]`,
          objects: [policy, ...entries],
        };
      }
    }
  },
};
