import { INSTALLED } from '../service';
import { KnownGateway } from '../world';
import { Indexed } from '../../../manifests/indexed';
import { ManifestIndex } from '../../../manifests/manifest-index';
import { selects, Labels } from '../../../manifests/selectors';
import { withoutNamespace } from '../../../manifests/servers';
import { ServiceSpec } from '../../../manifests/specs';
import { GATEWAY_LABEL, gatewayLabel } from '../../../values/gateway-label';

/** The pod port behind port 443 of a gateway that Istio's Helm chart installs: it maps each port to itself. */
export const CHART_PORT = 443;

/** The same of Istio's profiles, and of an `EgressGateway`. */
export const STANDARD_PORT = 8443;

/** The pod ports of a gateway that maps 443 to this one: those of a pod without privileges are above 1023. */
export function podPorts(targetPort: number): Record<number, number> {
  return { 80: targetPort === CHART_PORT ? 80 : 8080, 443: targetPort };
}

/** The labels of a gateway as Istio's profiles install it, by the name of its Service. */
export function standardLabels(name: string) {
  return name === 'istio-egressgateway' || name === 'istio-ingressgateway'
    ? ({ app: name, istio: name.replace('istio-', '') } as Labels)
    : undefined;
}

/** The labels of the pods of an `EgressGateway`. */
export function ownLabels({ name, namespace }: Pick<KnownGateway, 'name' | 'namespace'>): Labels {
  return { [GATEWAY_LABEL]: gatewayLabel(name, namespace) };
}

export function labelsOf({ name, labels }: Pick<KnownGateway, 'name' | 'labels'>): Labels {
  return labels ?? { app: name, istio: name.replace(/^istio-/, '') };
}

/** The label of an `EgressGateway` of this name, if a Gateway selects it. */
export function ownSelector(
  index: ManifestIndex,
  gateway: Pick<KnownGateway, 'name' | 'namespace'>,
): Labels | undefined {
  const own = ownLabels(gateway);
  return index.ofKind('Gateway').some(({ spec }) => spec.selector && selects(own, spec.selector)) ? own : undefined;
}

/** The ingress gateway of Istio's default profile: almost every mesh has a Service with HTTP on port 80. */
export function ingressGateway(): Indexed<ServiceSpec> {
  return syntheticService('istio-system', 'istio-ingressgateway', INSTALLED, {
    selector: { istio: 'ingressgateway' },
    ports: [
      { name: 'status-port', port: 15021 },
      { name: 'http2', port: 80, targetPort: 8080 },
      { name: 'https', port: 443, targetPort: 8443 },
    ],
  });
}

export function syntheticService(
  namespace: string,
  name: string,
  creationTimestamp: string | undefined,
  spec: ServiceSpec,
): Indexed<ServiceSpec> {
  const manifest = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, creationTimestamp },
    spec,
  };
  return new Indexed({ manifest, origin: 'not among the manifests' }, 'Service', namespace, name, spec);
}

/**
 * How to say what the pods of a gateway are: as one of Istio's Helm chart, if that has the labels that are needed. The
 * hop Service of this library's gateways is called like the gateway with `-hop`.
 */
export function sayGateway(
  id: string,
  { labels = {}, serviceAccount, targetPort = CHART_PORT }: GatewayInQuestion = {},
): string {
  const gateway = id.replace(/-hop$/, '');
  const name = withoutNamespace(gateway);
  const isOwn = selects(ownLabels({ name, namespace: gateway.split('/')[0] }), labels);
  if (!isOwn && !selects(labels, labelsOf({ name }))) return `add the Deployment of ${gateway}`;
  const account = serviceAccount === undefined || serviceAccount === name ? '' : `,serviceAccount=${serviceAccount}`;
  const port = isOwn || targetPort === CHART_PORT ? '' : `,targetPort=${targetPort}`;
  return `--gateway ${gateway}${port}${account} (gateways in a test), or add its Deployment`;
}

interface GatewayInQuestion {
  /** The labels that its pods must have. */
  readonly labels?: Labels;
  readonly serviceAccount?: string;
  /** The pod port to which its Service maps 443, if that is known. */
  readonly targetPort?: number;
}
