import { istioObject } from './_examples';
import { Rule } from './rule';
import { covers, isWildcard } from '../istio/hosts';
import { describe, joinWords } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { gatewayNamespace } from '../manifests/routes';
import { valueIn } from '../values/grouping';

const example = (hosts: string) => `
${istioObject('AuthorizationPolicy', 'egress/a')}
spec: { action: DENY, rules: [{ to: [{ operation: { ports: ["8080"], hosts: [${hosts}] } }] }] }
---
${istioObject('VirtualService', 'egress/a')}
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  gateways: [exit]
  http: [{ route: [{ destination: { host: api.example.com } }] }]
`;

export const denyHostWithoutPort: Rule = {
  code: 'deny-host-without-port',
  severity: 'error',
  title: 'A DENY policy for a host that a port in the Host header bypasses',
  reason:
    'Istio compares `hosts` with the Host header as sent, port included: DENY for `name` lets `name:80` through. ' +
    'It is a warning where no gateway that the policy applies to routes HTTP for the host.',
  cure: 'List both forms, "name" and "name:*"; or better, ALLOW only what should pass.',
  see: 'https://istio.io/latest/docs/ops/best-practices/security/#writing-host-match-policies',
  good: example('api.example.com, "api.example.com:*"'),
  bad: example('api.example.com'),
  *check(index) {
    let routed: RoutedHosts | undefined;
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
      if (open.size > 0) {
        const hosts = (routed ??= new RoutedHosts(index));
        yield {
          message: `${describe(policy)} denies ${joinWords([...open].sort())}, but not with a port appended.`,
          field: `spec.rules[${first}]`,
          objects: [policy],
          severity: [...open].some((host) => hosts.has(host, policy.namespace)) ? 'error' : 'warning',
        };
      }
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

/** The hosts for which gateways route HTTP, with the namespaces of the gateways. */
class RoutedHosts {
  private readonly names = new Map<string, Set<string>>();
  private readonly patterns: string[] = [];

  constructor(private readonly index: ManifestIndex) {
    for (const virtualService of index.ofKind('VirtualService')) {
      const { http, gateways, hosts } = virtualService.spec;
      if (!http?.length) continue;
      for (const gateway of gateways ?? []) {
        if (gateway === 'mesh') continue;
        for (const host of hosts ?? []) {
          if (isWildcard(host) && !this.names.has(host)) this.patterns.push(host);
          valueIn(this.names, host, () => new Set()).add(gatewayNamespace(virtualService, gateway));
        }
      }
    }
  }

  /** Whether a gateway that a policy of the namespace applies to routes the host, which may be `*.name` too. */
  public has(host: string, namespace: string): boolean {
    const names = isWildcard(host) ? [...this.names.keys()].filter((name) => covers(host, name)) : [host];
    return [...names, ...this.patterns.filter((pattern) => covers(pattern, host))].some((name) => {
      const namespaces = this.names.get(name);
      return namespaces !== undefined && (namespace === this.index.rootNamespace || namespaces.has(namespace));
    });
  }
}
