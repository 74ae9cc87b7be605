import { Rule } from './rule';
import { describe, Indexed, ordered } from '../manifests/indexed';
import { selectorsOverlap } from '../manifests/selectors';
import { sectionOf } from '../manifests/servers';

export const denyTakesTls: Rule = {
  code: 'deny-takes-tls',
  title: 'A DENY policy about HTTP that also denies every TLS and TCP connection of a gateway',
  reason:
    'On a server that does not read HTTP, Istio drops the HTTP conditions of a rule; of a DENY that has no ' +
    'others, "deny everything" is left.',
  cure: "Add `ports` to the rule: the pod's ports on which HTTP is served.",
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
            `${describe(policy)} denies by HTTP conditions alone, and with them every connection to the TLS and ` +
            `TCP servers of ${describe(gateway)}.`,
          objects: [policy, gateway],
        };
      }
    }
  },
};

/** Who calls, and other conditions, still hold for TCP; only a rule of nothing but HTTP loses everything. */
function isHttpOnly(rule: any, operation: any): boolean {
  const asksHttp = ['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths'].some(
    (field) => operation?.[field]?.length > 0,
  );
  return (
    asksHttp && !operation.ports?.length && !operation.notPorts?.length && !rule.from?.length && !rule.when?.length
  );
}

/** Policies act in their own namespace, those of the root namespace in all. */
function isUnder(policy: Indexed, gateway: Indexed, rootNamespace: string): boolean {
  if (policy.namespace !== gateway.namespace && policy.namespace !== rootNamespace) return false;
  return selectorsOverlap(policy.spec.selector?.matchLabels, gateway.spec.selector);
}

function hasOpaqueServer(gateway: Indexed): boolean {
  return (gateway.spec.servers ?? []).some((server: any) => sectionOf(server) !== 'http');
}
