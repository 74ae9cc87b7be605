import { isIP } from 'net';
import { set } from './edits';
import { hopNames } from './hops';
import { Asked, Candidate, Question } from './question';
import { urlOf } from '../../access/request-url';
import { addressOf } from '../lookups';
import { hostRange } from '../../istio/ranges';
import { Indexed, IstioObject, nameOf } from '../../manifests/indexed';
import { ItemOf, Of, PolicyRule } from '../../manifests/specs';

export function forPolicy(
  { index: objects, world, answer, request }: Question,
  policy: IstioObject<'AuthorizationPolicy'>,
  { principal, host, port, scheme }: Asked,
): Candidate[] {
  const { rules = [], action } = policy.spec;
  const own = principal.replace('spiffe://', '');
  // What a DENY protects, nobody has asked to open.
  if (action === 'DENY') return [];
  const seesIdentity = answer.identityAtGateway !== undefined || world.gateways === undefined;
  const limits = (field: keyof Of<ItemOf<PolicyRule['to']>, 'operation'>) =>
    rules.some(({ to }) => (to ?? []).some(({ operation }) => operation?.[field] !== undefined));
  const narrow = {
    ...(seesIdentity && { from: [{ source: { principals: [own] } }] }),
    ...(scheme === 'http'
      ? {
          to: [
            {
              operation: {
                hosts: [port === 80 ? host : `${host}:${port}`],
                ...(limits('paths') && { paths: [urlOf(request.url).pathname] }),
                ...(limits('methods') && { methods: [request.method ?? 'GET'] }),
              },
            },
          ],
        }
      : scheme === 'https' && { when: [{ key: 'connection.sni', values: [host] }] }),
  };
  return [
    ...rules.flatMap((rule, index) =>
      (rule.from ?? []).flatMap(({ source }, at) => {
        const principals = source?.principals;
        return principals
          ? [
              {
                ...set(policy, `spec.rules[${index}].from[${at}].source.principals[${principals.length}]`, own),
                text: `${nameOf(policy)}: add "${own}" to spec.rules[${index}].from[${at}].source.principals`,
              },
            ]
          : [];
      }),
    ),
    ...rules.flatMap((rule, index) =>
      (rule.to ?? []).flatMap(({ operation }, at) => {
        const hosts = operation?.hosts;
        return hosts
          ? [
              {
                ...set(policy, `spec.rules[${index}].to[${at}].operation.hosts[${hosts.length}]`, host),
                text: `${nameOf(policy)}: add "${host}" to spec.rules[${index}].to[${at}].operation.hosts`,
              },
            ]
          : [];
      }),
    ),
    set(policy, `spec.rules[${rules.length}]`, narrow, 2),
    // The server name of the hop is often another one.
    ...hopNames(objects, answer).map((sni) =>
      set(
        policy,
        `spec.rules[${rules.length}]`,
        {
          ...(seesIdentity && { from: [{ source: { principals: [own] } }] }),
          when: [{ key: 'connection.sni', values: [sni] }],
        },
        2.5,
      ),
    ),
  ];
}

/** An egress rule for one port, of the host's address or of the namespace of the gateway. */
export function forNetworkPolicy(
  { world, request, answer }: Question,
  policy: Indexed<{ readonly egress?: readonly unknown[] }>,
  { host, port }: Asked,
): Candidate[] {
  const { egress = [] } = policy.spec;
  const address = request.dial ?? (isIP(host) === 0 ? addressOf(host, world) : host);
  const at = `spec.egress[${egress.length}]` as const;
  const [gateway] = answer.gateway?.split('/') ?? [];
  return [
    ...(address === undefined
      ? []
      : [set(policy, at, { to: [{ ipBlock: { cidr: hostRange(address) } }], ports: [{ port, protocol: 'TCP' }] }, 2)]),
    ...(gateway === undefined
      ? []
      : [
          set(
            policy,
            at,
            { to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': gateway } } }] },
            2.5,
          ),
        ]),
  ];
}
