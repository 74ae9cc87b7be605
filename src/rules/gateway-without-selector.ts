import { istioObject } from './_examples';
import { Rule } from './rule';
import { describe } from '../manifests/indexed';

export const gatewayWithoutSelector: Rule = {
  code: 'gateway-without-selector',
  severity: 'warning',
  title: 'A Gateway without a selector, which opens its servers on every gateway of the mesh',
  reason:
    'Without `selector` istiod gives the servers to every gateway pod: the ingress gateway and the gateways of other ' +
    'teams too. What they let through there was meant for one gateway.',
  cure: "Select the gateway's pods by their labels.",
  see: 'https://istio.io/latest/docs/reference/config/networking/gateway/#Gateway',
  good: `
${istioObject('Gateway', 'egress/exit')}
spec:
  selector: { istio: exit }
  servers: [{ port: { number: 443, name: a, protocol: HTTPS }, hosts: [a.example.com], tls: { mode: ISTIO_MUTUAL } }]
`,
  bad: `
${istioObject('Gateway', 'egress/exit')}
spec:
  servers: [{ port: { number: 443, name: a, protocol: HTTPS }, hosts: [a.example.com], tls: { mode: ISTIO_MUTUAL } }]
`,
  *check(index) {
    for (const gateway of index.ofKind('Gateway'))
      if (gateway.spec.servers?.some((server) => server?.port) && isEmpty(gateway.spec.selector ?? {}))
        yield {
          message: `${describe(gateway)} opens its servers on every gateway of the mesh.`,
          field: 'spec.selector',
          objects: [gateway],
        };
  },
};

function isEmpty(selector: unknown): boolean {
  return typeof selector === 'object' && Object.keys(selector!).length === 0;
}
