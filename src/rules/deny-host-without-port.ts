import { Rule } from './rule';
import { describe, joinWords } from '../manifests/indexed';

export const denyHostWithoutPort: Rule = {
  code: 'deny-host-without-port',
  severity: 'error',
  title: 'A DENY policy for a host that a port in the Host header bypasses',
  reason: 'Istio compares `hosts` with the Host header as sent, port included: DENY for `name` lets `name:80` through.',
  cure: 'List both forms, "name" and "name:*"; or better, ALLOW only what should pass.',
  see: 'https://istio.io/latest/docs/ops/best-practices/security/#writing-host-match-policies',
  good: `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: a, namespace: egress }
spec:
  action: DENY
  rules: [{ to: [{ operation: { ports: ["8080"], hosts: [api.example.com, "api.example.com:*"] } }] }]
`,
  bad: `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: a, namespace: egress }
spec: { action: DENY, rules: [{ to: [{ operation: { ports: ["8080"], hosts: [api.example.com] } }] }] }
`,
  *check(index) {
    for (const policy of index.ofKind('AuthorizationPolicy')) {
      if (policy.spec.action !== 'DENY') continue;
      const open = new Set<string>();
      let first = -1;
      for (const [position, rule] of (policy.spec.rules ?? []).entries()) {
        for (const { operation } of rule.to ?? []) {
          const hosts = operation?.hosts ?? [];
          for (const host of hosts)
            if (!host.includes(':') && !hosts.some((other) => coversPorts(other, host))) {
              open.add(host);
              if (first < 0) first = position;
            }
        }
      }
      if (open.size > 0)
        yield {
          message: `${describe(policy)} denies ${joinWords([...open].sort())}, but not with a port appended.`,
          field: `spec.rules[${first}]`,
          objects: [policy],
        };
    }
  },
};

/**
 * A value matches exactly, by prefix (`a*`) or by suffix (`*a`). A policy that names some ports is written with ports
 * in mind.
 */
function coversPorts(pattern: string, host: string): boolean {
  if (pattern === '*' || pattern.startsWith(`${host}:`)) return true;
  return !pattern.startsWith('*') && pattern.endsWith('*') && `${host}:`.startsWith(pattern.slice(0, -1));
}
