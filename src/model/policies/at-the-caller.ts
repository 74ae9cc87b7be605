import { Policies } from './applying-policies';
import { matchesPattern } from '../requests/patterns';
import { SelectablePods } from './selection';
import { Remark } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { PolicyRule } from '../../manifests/specs';

/**
 * Policies for the caller's own pods that name the host of a request. They do nothing to it: a sidecar applies policies
 * to what comes in.
 */
export function policiesAtCaller(policies: Policies, pod: SelectablePods, host: string): Remark[] {
  return policies.for(pod, 'AuthorizationPolicy').flatMap(({ object }) =>
    object.namespace !== pod.namespace
      ? []
      : (object.spec.rules ?? []).flatMap((rule, index) =>
          namesHost(rule ?? {}, host)
            ? [
                {
                  code: 'policy-at-caller',
                  message:
                    `AuthorizationPolicy ${object.namespace}/${object.name} names the host and is for the caller's ` +
                    'own pods, where policies apply to incoming requests only: it does nothing to this one',
                  decidedBy: [fieldRef(object, `spec.rules[${index}]`)],
                },
              ]
            : [],
        ),
  );
}

function namesHost({ to = [], when = [] }: PolicyRule, host: string): boolean {
  const names: string[] = [
    ...to.flatMap(({ operation }) => [...(operation?.hosts ?? []), ...(operation?.notHosts ?? [])]),
    ...when.flatMap(({ key, values, notValues }) =>
      key === 'connection.sni' || key === 'request.headers[host]' ? [...(values ?? []), ...(notValues ?? [])] : [],
    ),
  ];
  return names.some((name) => name !== '*' && matchesPattern(name, host, true));
}
