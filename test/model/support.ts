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
