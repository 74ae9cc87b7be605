import { remove, set } from './edits';
import { Asked, Candidate, nameOf } from './question';
import { FieldPath } from '../../manifests/field-path';
import { EgressObject } from '../../model';

export function forPolicy(policy: EgressObject, field: FieldPath | undefined, { principal, host }: Asked): Candidate[] {
  const rules: any[] = policy.manifest.spec?.rules ?? [];
  const own = principal.replace('spiffe://', '');
  if (policy.manifest.spec?.action === 'DENY') {
    return field ? [remove(policy, field)] : [];
  }
  return [
    ...rules.flatMap((rule, index) =>
      (rule.from ?? []).flatMap((from: any, at: number) => {
        const principals: string[] | undefined = from.source?.principals;
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
      (rule.to ?? []).flatMap((to: any, at: number) => {
        const hosts: string[] | undefined = to.operation?.hosts;
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
    set(policy, `spec.rules[${rules.length}]`, { from: [{ source: { principals: [own] } }] }, 2),
  ];
}

export function forNetworkPolicy(policy: EgressObject, { port }: Asked): Candidate[] {
  const rules: any[] = policy.manifest.spec?.egress ?? [];
  return [
    set(
      policy,
      `spec.egress[${rules.length}]`,
      { to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [{ port, protocol: 'TCP' }] },
      2,
    ),
    set(policy, `spec.egress[${rules.length}]`, { to: [{ namespaceSelector: {} }] }, 2),
  ];
}
