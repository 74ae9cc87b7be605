import { istioObject } from './_examples';
import { Rule } from './rule';
import { describe, joinWords } from '../manifests/indexed';
import { isListed, PlacedRoute } from '../manifests/routes';

const example = (gateways: string) => `
${istioObject('VirtualService', 'egress/a')}
spec:
  hosts: [api.example.com]
  exportTo: ["*"]
  gateways: [${gateways}]
  http:
    - match: [{ gateways: [mesh] }]
      route: [{ destination: { host: exit.egress.svc.cluster.local, port: { number: 80 } } }]
    - match: [{ gateways: [exit] }]
      route: [{ destination: { host: api.example.com } }]
`;

export const matchGatewayNotListed: Rule = {
  code: 'match-gateway-not-listed',
  severity: 'error',
  title: 'A match for a gateway that its VirtualService does not list',
  reason:
    'The gateways in `spec.gateways` use a VirtualService, and sidecars only if `mesh` is among them or there is no ' +
    'list. `match.gateways` can narrow that list and cannot add to it: the match never applies, and requests take ' +
    'another route, or none.',
  cure: 'Add the gateway, or `mesh` for sidecars, to spec.gateways.',
  see: 'https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService',
  good: example('exit, mesh'),
  bad: example('exit'),
  *check(index) {
    for (const { virtualService, section, route, position } of index.routes.filter(namesGateways)) {
      const { gateways } = virtualService.spec;
      for (const [number, match] of route.match!.entries()) {
        const named: readonly string[] = match?.gateways || [];
        const unlisted = named.filter((name) => !isListed(virtualService, name));
        if (unlisted.length === 0) continue;
        const users = gateways?.length ? `only ${joinWords(gateways)}` : 'no gateway, so that sidecars use it';
        yield {
          message:
            `${describe(virtualService)} has a match for ${joinWords(unlisted)}, but lists ${users}: ` +
            (unlisted.length === named.length ? 'it never applies.' : 'it does not apply there.'),
          field: `spec.${section}[${position}].match[${number}].gateways`,
          objects: [virtualService],
        };
      }
    }
  },
};

function namesGateways({ route }: PlacedRoute): boolean {
  return Array.isArray(route?.match) && route.match.some((match) => match?.gateways);
}
