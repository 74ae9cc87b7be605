import { istioObject } from './_examples';
import { Rule } from './rule';
import { describe, IstioObject, ordered } from '../manifests/indexed';
import { selectorsOverlap } from '../manifests/selectors';
import { sectionOf } from '../manifests/servers';
import { ItemOf, PolicyRule, Server } from '../manifests/specs';

const example = (operation: string) => `
${istioObject('Gateway', 'egress/exit')}
spec:
  selector: { istio: exit }
  servers: [{ port: { number: 443, name: tls, protocol: TLS }, hosts: [b.example.com], tls: { mode: PASSTHROUGH } }]
---
${istioObject('AuthorizationPolicy', 'egress/a')}
spec:
  selector: { matchLabels: { istio: exit } }
  action: DENY
  rules: [{ to: [{ operation: { ${operation} } }] }]
`;

export const denyTakesTls: Rule = {
  code: 'deny-takes-tls',
  severity: 'error',
  title: 'A DENY policy on HTTP attributes that denies every TLS and TCP connection to a gateway',
  reason:
    'On a server that does not parse HTTP, Istio drops the HTTP conditions of a rule. What is left of a DENY rule ' +
    'denies every connection, or every connection of the callers that the rule names.',
  cure: 'Add `ports` to the rule, with the pod ports on which the gateway serves HTTP.',
  see: 'https://istio.io/latest/docs/ops/best-practices/security/#authorization-policy-patterns',
  good: example('ports: ["8080"], methods: [POST]'),
  bad: example('methods: [POST]'),
  *check(index) {
    for (const policy of index.ofKind('AuthorizationPolicy')) {
      if (policy.spec.action !== 'DENY' || policy.spec.targetRef || policy.spec.targetRefs) continue;
      const rules = (policy.spec.rules ?? []).filter((rule) =>
        rule?.to?.some(({ operation }) => isHttpOnly(rule, operation)),
      );
      if (rules.length === 0) continue;
      const everybody = rules.some((rule) => !rule.from?.length);
      const hit = ordered(
        index
          .ofKind('Gateway')
          .filter(
            (gateway) =>
              isUnder(policy, gateway, index.rootNamespace) &&
              opaqueServers(gateway).some((server) => rules.some((rule) => mayKnowCaller(rule, server))),
          ),
      );
      for (const gateway of hit) {
        yield {
          message:
            `${describe(policy)} has a DENY rule with HTTP conditions${everybody ? ' only' : ' and no ports'}, which ` +
            `denies every connection${everybody ? '' : ' of its callers'} to the TLS and TCP servers of ` +
            `${describe(gateway)}.`,
          field: `spec.rules[${policy.spec.rules!.indexOf(rules[0])}]`,
          objects: [policy, gateway],
        };
      }
    }
  },
};

const HTTP_FIELDS = ['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths'] as const;
const IDENTITY_FIELDS = ['principals', 'namespaces', 'serviceAccounts', 'trustDomains'] as const;

type Operation = ItemOf<PolicyRule['to']>['operation'];

/** Ports and conditions about the connection also apply to TCP; the rest of a rule's operation does not. */
function isHttpOnly(rule: PolicyRule, operation: Operation | undefined): boolean {
  const asksHttp = HTTP_FIELDS.some((field) => !!operation?.[field]?.length);
  const isAboutRequest = (rule.when ?? []).every(({ key }) => String(key).startsWith('request.'));
  return asksHttp && !operation?.ports?.length && !operation?.notPorts?.length && isAboutRequest;
}

/** Whether the server can tell the callers that the rule names: only from mutual TLS that it terminates itself. */
function mayKnowCaller(rule: PolicyRule, server: Server): boolean {
  const needsIdentity = (rule.from ?? []).every(({ source }) =>
    IDENTITY_FIELDS.some((field) => !!source?.[field]?.length),
  );
  return !rule.from?.length || !needsIdentity || server.tls?.mode === 'ISTIO_MUTUAL' || server.tls?.mode === 'MUTUAL';
}

/** Policies apply in their own namespace, those of the root namespace in every one. */
function isUnder(
  policy: IstioObject<'AuthorizationPolicy'>,
  gateway: IstioObject<'Gateway'>,
  rootNamespace: string,
): boolean {
  if (policy.namespace !== gateway.namespace && policy.namespace !== rootNamespace) return false;
  return selectorsOverlap(policy.spec.selector?.matchLabels, gateway.spec.selector);
}

function opaqueServers(gateway: IstioObject<'Gateway'>): Server[] {
  return (gateway.spec.servers ?? []).filter((server) => sectionOf(server) !== 'http');
}
