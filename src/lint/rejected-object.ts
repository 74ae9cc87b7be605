import { Malformed } from '../model/objects/well-formed';
import { Rule, Violation } from '../rules';

/** What no API server takes. The rules see such objects only where they are well-formed, so this one comes first. */
export const rejectedObject: Omit<Rule, 'check'> = {
  code: 'rejected-object',
  severity: 'error',
  title: "An object that the API server or Istio's webhook rejects",
  reason:
    'The API server checks types and allowed values, and Istio what goes together. An object that either rejects ' +
    'does not exist; one of its name that was there before stays as it was.',
  cure: 'Write a value that is allowed there.',
  see: 'https://istio.io/latest/docs/reference/config/networking/',
  good: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], resolution: DNS, ports: [{ number: 443, name: tls, protocol: TLS }] }
`,
  bad: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["."], resolution: NAME, ports: [{ number: 443, name: tls, protocol: TLS }] }
`,
};

export function rejection({ source, problem, cause }: Malformed): Violation {
  return { message: `${problem} [${source.origin}].`, objects: [source], field: cause.field ?? 'spec' };
}
