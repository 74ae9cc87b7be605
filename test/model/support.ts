import { parseAllDocuments } from 'yaml';
import { Answer, EgressModel, ModelCaller, ModelRequest, World } from '../../src/model';

export const LOCKED: World = { mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' } };

/** The model's answer to a request, with objects from YAML. */
export function ask(
  yaml: string,
  caller: string | ModelCaller,
  request: string | ModelRequest,
  world: World = LOCKED,
): Answer {
  const objects = parseAllDocuments(yaml)
    .map((document, index) => ({ manifest: document.toJS(), origin: `document ${index + 1}` }))
    .filter(({ manifest }) => manifest);
  const [namespace, serviceAccount] = typeof caller === 'string' ? caller.split('/') : [];
  return EgressModel.of(objects, world).ask(
    typeof caller === 'string' ? { namespace, serviceAccount } : caller,
    typeof request === 'string' ? { url: request } : request,
  );
}

export const ENTRY = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: site, namespace: shop }
spec:
  hosts: [site.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP }, { number: 443, name: tls, protocol: TLS }]
`;

/** An object of Istio. */
export const istioObject = (kind: string, name: string, namespace: string, spec: string) => `---
apiVersion: networking.istio.io/v1
kind: ${kind}
metadata: { name: ${name}, namespace: ${namespace} }
spec: ${spec}
`;

/** One called "more". */
export const istio = (kind: string, spec: string, namespace = 'shop') => istioObject(kind, 'more', namespace, spec);

/** The pods of the caller `shop/app`, with a variable of their proxy. */
export const podsWithVariable = (name: string, value: string) => `---
apiVersion: apps/v1
kind: Deployment
metadata: { name: app, namespace: shop }
spec:
  template:
    metadata:
      labels: { app: app }
      annotations: { proxy.istio.io/config: 'proxyMetadata: { ${name}: "${value}" }' }
`;

/** A gateway that passes TLS for `site.example.com` through, and a route by it. */
export const passThroughGateway = (clusterDomain = 'cluster.local') => `---
apiVersion: v1
kind: Service
metadata: { name: exit, namespace: egress }
spec: { selector: { istio: exit }, ports: [{ name: tls, port: 443, targetPort: 8443 }] }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: exit, namespace: egress }
spec:
  selector: { istio: exit }
  servers: [{ port: { number: 443, name: tls, protocol: TLS }, hosts: ['*'], tls: { mode: PASSTHROUGH } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: site, namespace: egress }
spec:
  hosts: [site.example.com]
  gateways: [mesh, exit]
  tls:
    - match: [{ gateways: [mesh], port: 443, sniHosts: [site.example.com] }]
      route: [{ destination: { host: exit.egress.svc.${clusterDomain}, port: { number: 443 } } }]
    - match: [{ gateways: [exit], port: 443, sniHosts: [site.example.com] }]
      route: [{ destination: { host: site.example.com, port: { number: 443 } } }]
`;

/** A gateway that reads HTTP for every host: its Service, and its Gateway. */
export const HTTP_EXIT_SERVICE = `---
apiVersion: v1
kind: Service
metadata: { name: exit, namespace: egress }
spec: { selector: { istio: exit }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
`;
export const HTTP_EXIT = istioObject(
  'Gateway',
  'exit',
  'egress',
  "{ selector: { istio: exit }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }] }",
);

/** The pods of either. */
export const EXIT_PODS = { namespace: 'egress', labels: { istio: 'exit' }, serviceAccount: 'exit', targetPort: 8443 };

/** An object called "x". */
export const object = (kind: string, apiVersion: string, spec: string, namespace = 'shop') =>
  `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: x, namespace: ${namespace} }\nspec: ${spec}\n`;
