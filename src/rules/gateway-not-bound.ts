import { append, called, covers, Indexed } from './manifest-index';
import { Rule } from './rule';

export const gatewayNotBound: Rule = {
  code: 'gateway-not-bound',
  title: 'A VirtualService that does not bind to the Gateway it names',
  reason: 'A Gateway of another namespace must be named <namespace>/<name>, and its servers\' hosts must admit the VirtualService\'s namespace and one of its hosts; else it answers 404 (IST0132).',
  cure: 'Name the Gateway with its namespace, and list the host in one of its servers.',
  see: 'https://istio.io/latest/docs/reference/config/analysis/ist0132/',
  good: `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: exit, namespace: egress }
spec: { selector: { istio: exit }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [shop/api.example.com] }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["*"], gateways: [egress/exit], http: [{ route: [{ destination: { host: api.example.com } }] }] }
`,
  bad: `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: exit, namespace: egress }
spec: { selector: { istio: exit }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["./api.example.com"] }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a, namespace: shop }
spec: { hosts: [api.example.com], exportTo: ["*"], gateways: [egress/exit], http: [{ route: [{ destination: { host: api.example.com } }] }] }
`,
  check(index) {
    const byName = new Map<string, Indexed[]>();
    const byFullName = new Map<string, Indexed>();
    for (const gateway of index.ofKind('Gateway')) {
      append(byName, gateway.name, gateway);
      byFullName.set(`${gateway.namespace}/${gateway.name}`, gateway);
    }
    return index.ofKind('VirtualService').flatMap(service => (service.spec.gateways ?? []).filter((name: string) => name !== 'mesh').flatMap((name: string) => {
      const gateway = byFullName.get(name.includes('/') ? name : `${service.namespace}/${name}`);
      if (gateway) {
        return admits(gateway, service) ? [] : [{ message: `${called(service)} names ${called(gateway)}, none of whose servers admits its hosts (${(service.spec.hosts ?? []).join(', ')}) from namespace ${service.namespace}.`, objects: [service, gateway] }];
      }
      const elsewhere = name.includes('/') ? [] : byName.get(name) ?? [];
      return elsewhere.slice(0, 1).map(other => ({ message: `${called(service)} names the gateway "${name}", which Istio looks for in namespace ${service.namespace}; ${called(other)} lives in another.`, objects: [service, other] }));
    }));
  },
};

function admits(gateway: Indexed, service: Indexed): boolean {
  return (gateway.spec.servers ?? []).some((server: any) => (server.hosts ?? []).some((item: string) => {
    const [host, namespace = '*'] = item.split('/').reverse();
    const from = namespace === '.' ? gateway.namespace : namespace;
    return (from === '*' || from === service.namespace) && (service.spec.hosts ?? []).some((own: string) => covers(host, own) || covers(own, host));
  }));
}
