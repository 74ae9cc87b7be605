import { KubeObject } from './lab';
import { GatewayPods } from '../../src/access/access-table';

/**
 * HTTP to one host through an egress gateway, written by hand in the style of Istio's task page: objects exported to
 * all namespaces, a mutual TLS hop to the gateway's own Service, no header removed. Other users of the same gateway may
 * have such objects.
 */
export function taskPageRecipe(namespace: string, host: string, gateway: GatewayPods): KubeObject[] {
  const name = host.replace(/\./g, '-');
  const service = `${gateway.name}.${gateway.namespace}.svc.cluster.local`;
  const object = (kind: string, spec: Record<string, unknown>): KubeObject => ({
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { name, namespace },
    spec,
  });
  return [
    object('ServiceEntry', {
      hosts: [host],
      location: 'MESH_EXTERNAL',
      resolution: 'DNS',
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    }),
    object('Gateway', {
      selector: gateway.labels,
      servers: [
        {
          port: { number: 443, name: 'https-recipe', protocol: 'HTTPS' },
          hosts: [host],
          tls: { mode: 'ISTIO_MUTUAL' },
        },
      ],
    }),
    object('DestinationRule', {
      host: service,
      subsets: [
        {
          name: 'recipe',
          trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls: { mode: 'ISTIO_MUTUAL', sni: host } }] },
        },
      ],
    }),
    object('VirtualService', {
      hosts: [host],
      gateways: ['mesh', name],
      http: [
        {
          match: [{ gateways: ['mesh'], port: 80 }],
          route: [{ destination: { host: service, subset: 'recipe', port: { number: 443 } } }],
        },
        { match: [{ gateways: [name], port: 443 }], route: [{ destination: { host, port: { number: 80 } } }] },
      ],
    }),
  ];
}

/** The pods of an installed gateway, as Istio's chart makes them. */
export const INSTALLED_PODS: GatewayPods = {
  namespace: 'egress',
  labels: { app: 'istio-egressgateway', istio: 'egressgateway' },
  serviceAccount: 'istio-egressgateway',
  targetPort: 443,
};

/** The same with the Service that the chart makes for them. */
export const INSTALLED: GatewayPods & { name: string } = { name: 'istio-egressgateway', ...INSTALLED_PODS };
