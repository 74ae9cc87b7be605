import { called } from './manifest-index';
import { Rule } from './rule';

export const tlsPortAsHttp: Rule = {
  code: 'tls-port-as-http',
  title: 'Port 443 declared as plain HTTP',
  reason: 'Clients speak TLS on port 443; TLS on a port declared HTTP is never led to the entry, and can break the port for other hosts.',
  cure: 'Declare it TLS; to send plain HTTP out as TLS, declare port 80 and originate TLS.',
  see: 'https://github.com/istio/istio/issues/16458',
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
spec: { hosts: [api.example.com], exportTo: ["."], resolution: DNS, ports: [{ number: 443, name: http, protocol: HTTP }] }
`,
  check(index) {
    return index.ofKind('ServiceEntry')
      .filter(entry => (entry.spec.ports ?? []).some((port: any) => port.number === 443 && ['HTTP', 'HTTP2', 'GRPC'].includes(String(port.protocol).toUpperCase())))
      .map(entry => ({ message: `${called(entry)} declares port 443 of ${(entry.spec.hosts ?? []).join(', ')} as plain HTTP.`, objects: [entry] }));
  },
};
