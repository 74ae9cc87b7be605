import { isIPv6 } from 'net';
import { ipv6Of } from './network';
import { GatewayPods } from '../../../src/access/access-table';

/** A Kubernetes object, as it was written. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    creationTimestamp?: string;
  };
  [field: string]: any;
}

/** A pod as others see it. */
export interface Pod {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Record<string, string>;
  readonly serviceAccount: string;
  /** Its first address. */
  readonly address: string;
  /** One, or one of each family. */
  readonly addresses: readonly string[];
}

type Family = 'IPv4' | 'IPv6';

/** Who writes an object, where that is not whoever runs the lab: for admission. */
export const WRITTEN_BY = 'lab/written-by';

/** Of an object that Istio's webhook is not asked about: where only revisions are installed, it may not be reached. */
export const NO_WEBHOOK = 'lab/no-webhook';

/** `<Kind>/<namespace>/<name>`. */
export function idOf(object: KubeObject): string {
  return `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

/**
 * What the API server and the endpoints controller do for Services: an address, and EndpointSlices of the selected
 * pods.
 */
export class ServiceController {
  private readonly addresses = new Map<string, string>();

  public constructor(
    private readonly pods: Pod[],
    private readonly gateways: GatewayPods[],
  ) {}

  public complete(objects: KubeObject[]): KubeObject[] {
    return objects.flatMap((object) => {
      if (object.kind !== 'Service' || object.apiVersion !== 'v1' || object.spec?.type === 'ExternalName')
        return [object];
      const families = this.familiesOf(object);
      const own = this.addressOf(idOf(object));
      const clusterIPs = object.spec.clusterIP
        ? [object.spec.clusterIP]
        : families.map((family) => (family === 'IPv4' ? own : ipv6Of(own)));
      // As an API server completes them; istiod reads an absent `targetPort` as 0.
      const ports = object.spec.ports?.map((port: any) => ({ ...port, targetPort: port.targetPort ?? port.port }));
      const service = {
        ...object,
        spec: { ...object.spec, ports, clusterIP: clusterIPs[0], clusterIPs, ipFamilies: families },
      };
      // An empty selector is none.
      const isSelecting = Object.keys(object.spec.selector ?? {}).length > 0;
      return isSelecting ? [service, ...families.map((family) => this.slice(service, family))] : [service];
    });
  }

  /** Kubernetes' default is one family, also where pods have two. */
  private familiesOf({ spec }: KubeObject): Family[] {
    const wanted: Family[] = spec.ipFamilies ?? ['IPv4'];
    const isDual = this.pods.some(({ addresses }) => addresses.length > 1);
    if (!isDual || !spec.ipFamilyPolicy || spec.ipFamilyPolicy === 'SingleStack') return [wanted[0]];
    return [...new Set<Family>([...wanted, 'IPv4', 'IPv6'])];
  }

  private addressOf(id: string): string {
    if (!this.addresses.has(id))
      this.addresses.set(id, `10.96.${Math.floor(this.addresses.size / 250)}.${(this.addresses.size % 250) + 1}`);
    return this.addresses.get(id)!;
  }

  private slice(service: KubeObject, family: Family): KubeObject {
    const namespace = service.metadata.namespace ?? 'default';
    const selector = Object.entries<string>(service.spec.selector);
    const selected = this.pods.filter(
      (pod) => pod.namespace === namespace && selector.every(([key, value]) => pod.labels[key] === value),
    );
    const target = (port: any) => {
      if (typeof port.targetPort === 'number') return port.targetPort;
      // A named port is a container port of the pod; the table gives only the gateway's.
      if (typeof port.targetPort === 'string')
        return (
          this.gateways.find((gateway) => selected.some((pod) => pod.namespace === gateway.namespace))?.targetPort ??
          port.port
        );
      return port.port;
    };
    return {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `${service.metadata.name}-lab${family === 'IPv4' ? '' : '-ipv6'}`,
        namespace,
        labels: { 'kubernetes.io/service-name': service.metadata.name },
        annotations: { [WRITTEN_BY]: 'system:serviceaccount:kube-system:endpointslice-controller' },
      },
      addressType: family,
      ports: (service.spec.ports ?? []).map((port: any) => ({
        name: port.name ?? '',
        port: target(port),
        protocol: port.protocol ?? 'TCP',
      })),
      endpoints: selected.map((pod) => ({
        addresses: pod.addresses.filter((address) => isIPv6(address) === (family === 'IPv6')),
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: 'lab',
        targetRef: { kind: 'Pod', name: pod.name, namespace },
      })),
    };
  }
}
