import { istioObject } from './_examples';
import { Rule } from './rule';
import { describe, joinWords } from '../manifests/indexed';
import { isListed, SECTIONS } from '../manifests/routes';
import type { Route } from '../manifests/specs';

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
    for (const virtualService of index.ofKind('VirtualService')) {
      const { gateways } = virtualService.spec;
      for (const section of SECTIONS) {
        const routes: readonly Route[] = virtualService.spec[section] ?? [];
        for (let position = 0; position < routes.length; position++) {
          const matches = routes[position]?.match ?? [];
          for (let number = 0; number < matches.length; number++) {
            const named: readonly string[] | undefined = matches[number]?.gateways;
            if (!named || named.every((name) => isListed(virtualService, name))) continue;
            const unlisted = named.filter((name) => !isListed(virtualService, name));
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
      }
    }
  },
};
