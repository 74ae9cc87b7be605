import { Rule } from './rule';
import { describe, Indexed, ordered } from '../manifests/indexed';
import { selectorsOverlap } from '../manifests/selectors';
import { sectionOf } from '../manifests/servers';

export const denyTakesTls: Rule = {
  code: 'deny-takes-tls',
  title: 'A DENY policy on HTTP attributes that denies every TLS and TCP connection to a gateway',
  reason:
    'On a server that does not parse HTTP, Istio drops the HTTP conditions of a rule. A DENY rule with no other ' +
    'conditions then denies everything.',
  cure: 'Add `ports` to the rule, with the pod ports on which the gateway serves HTTP.',
  see: 'https://istio.io/latest/docs/ops/best-practices/security/#authorization-policy-patterns',
  good: `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: exit, namespace: egress }
spec:
  selector: { istio: exit }
  servers: [{ port: { number: 443, name: tls, protocol: TLS }, hosts: [b.example.com], tls: { mode: PASSTHROUGH } }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: a, namespace: egress }
spec:
  selector: { matchLabels: { istio: exit } }
  action: DENY
  rules: [{ to: [{ operation: { ports: ["8080"], methods: [POST] } }] }]
`,
  bad: `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: exit, namespace: egress }
spec:
  selector: { istio: exit }
  servers: [{ port: { number: 443, name: tls, protocol: TLS }, hosts: [b.example.com], tls: { mode: PASSTHROUGH } }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: a, namespace: egress }
spec:
  selector: { matchLabels: { istio: exit } }
  action: DENY
  rules: [{ to: [{ operation: { methods: [POST] } }] }]
`,
  *check(index) {
    for (const policy of index.ofKind('AuthorizationPolicy')) {
      if (policy.spec.action !== 'DENY' || policy.spec.targetRef || policy.spec.targetRefs) continue;
      if (
        !(policy.spec.rules ?? []).some((rule: any) =>
          rule.to?.some(({ operation }: any) => isHttpOnly(rule, operation)),
        )
      )
        continue;
      const hit = ordered(
        index
          .ofKind('Gateway')
          .filter((gateway) => isUnder(policy, gateway, index.rootNamespace) && hasOpaqueServer(gateway)),
      );
      for (const gateway of hit) {
        yield {
          message:
            `${describe(policy)} has a DENY rule with HTTP conditions only, which denies every connection to the ` +
            `TLS and TCP servers of ${describe(gateway)}.`,
          objects: [policy, gateway],
        };
      }
    }
  },
};

/** Callers and other conditions also apply to TCP; only a rule with nothing but HTTP conditions loses them all. */
function isHttpOnly(rule: any, operation: any): boolean {
  const asksHttp = ['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths'].some(
    (field) => operation?.[field]?.length > 0,
  );
  return (
    asksHttp && !operation.ports?.length && !operation.notPorts?.length && !rule.from?.length && !rule.when?.length
  );
}

/** Policies apply in their own namespace, those of the root namespace in every one. */
function isUnder(policy: Indexed, gateway: Indexed, rootNamespace: string): boolean {
  if (policy.namespace !== gateway.namespace && policy.namespace !== rootNamespace) return false;
  return selectorsOverlap(policy.spec.selector?.matchLabels, gateway.spec.selector);
}

function hasOpaqueServer(gateway: Indexed): boolean {
  return (gateway.spec.servers ?? []).some((server: any) => sectionOf(server) !== 'http');
}
