import { policiesFor } from './applying-policies';
import { matchesPattern } from './patterns';
import { SelectablePods } from './selection';
import { Remark } from '../answer';
import { fieldRef } from '../field-ref';
import { Registry } from '../registry';

/**
 * Policies for the caller's own pods that name the host of a request. They do nothing to it: a sidecar applies policies
 * to what comes in.
 */
export function policiesAtCaller(registry: Registry, pod: SelectablePods, host: string): Remark[] {
  return policiesFor(registry, pod, 'AuthorizationPolicy').flatMap(({ object }) =>
    object.namespace !== pod.namespace
      ? []
      : ((object.spec.rules ?? []) as any[]).flatMap((rule, index) =>
          namesHost(rule ?? {}, host)
            ? [
                {
                  code: 'policy-at-caller',
                  message:
                    `AuthorizationPolicy ${object.namespace}/${object.name} names the host and is for the caller's own ` +
                    'pods, where policies apply to incoming requests only: it does nothing to this one',
                  decidedBy: [fieldRef(object, `spec.rules[${index}]`)],
                },
              ]
            : [],
        ),
  );
}

function namesHost({ to = [], when = [] }: any, host: string): boolean {
  const names: string[] = [
    ...(to as any[]).flatMap(({ operation }) => [...(operation?.hosts ?? []), ...(operation?.notHosts ?? [])]),
    ...(when as any[]).flatMap(({ key, values, notValues }) =>
      key === 'connection.sni' || key === 'request.headers[host]' ? [...(values ?? []), ...(notValues ?? [])] : [],
    ),
  ];
  return names.some((name) => name !== '*' && matchesPattern(name, host, true));
}
