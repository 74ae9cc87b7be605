import { istioObject } from './_examples';
import { Rule } from './rule';
import { describe, IstioObject } from '../manifests/indexed';
import { gatewayNamespace, isOnMesh } from '../manifests/routes';
import { HttpRoute, Of } from '../manifests/specs';

export const environmentInRoute: Rule = {
  code: 'environment-in-route',
  severity: 'warning',
  title: "A VirtualService that reads environment variables of other people's proxies",
  reason:
    'A proxy replaces `%ENVIRONMENT(NAME)%` in a header value by its own variable. Who writes a VirtualService for ' +
    "another namespace's gateway, for all sidecars, or into a response, can read every variable of those pods, API " +
    'keys included.',
  cure:
    "Let the gateway's owner add the header, in a VirtualService of the gateway's namespace, to requests only; give " +
    'the proxy no variable that its callers must not know.',
  see: 'https://www.envoyproxy.io/docs/envoy/latest/configuration/advanced/substitution_formatter',
  good: `
${istioObject('VirtualService', 'egress/a')}
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  gateways: [egress/exit]
  http:
    - headers: { request: { set: { authorization: "Bearer %ENVIRONMENT(API_KEY)%" } } }
      route: [{ destination: { host: api.example.com } }]
`,
  bad: `
${istioObject('VirtualService', 'shop/a')}
spec:
  hosts: [api.example.com]
  exportTo: ["*"]
  gateways: [egress/exit]
  http:
    - headers: { request: { set: { x-key: "%ENVIRONMENT(API_KEY)%" } } }
      route: [{ destination: { host: api.example.com } }]
`,
  *check(index) {
    for (const virtualService of index.ofKind('VirtualService')) {
      const routes = virtualService.spec.http ?? [];
      for (let position = 0; position < routes.length; position++) {
        const route = routes[position];
        const inResponse = readsIn(route, 'response');
        if (!inResponse && !(readsIn(route, 'request') && isForOthers(virtualService))) continue;
        yield {
          message:
            `${describe(virtualService)} writes an environment variable of the proxies that use it into ` +
            `${inResponse ? 'responses' : 'requests'}.`,
          field: `spec.http[${position}]`,
          objects: [virtualService],
        };
      }
    }
  },
};

function readsIn({ headers, route }: HttpRoute, part: 'request' | 'response'): boolean {
  if (reads(headers?.[part])) return true;
  if (route) for (const one of route) if (reads(one.headers?.[part])) return true;
  return false;
}

function reads(changes: Of<HttpRoute['headers'], 'request'> | undefined): boolean {
  if (!changes) return false;
  return [changes.set, changes.add].some(
    (values) => values && Object.values(values).some((value) => String(value).includes('%ENVIRONMENT(')),
  );
}

function isForOthers(virtualService: IstioObject<'VirtualService'>): boolean {
  const gateways = virtualService.spec.gateways ?? [];
  return (
    isOnMesh(virtualService) ||
    gateways.some((name) => gatewayNamespace(virtualService, name) !== virtualService.namespace)
  );
}
