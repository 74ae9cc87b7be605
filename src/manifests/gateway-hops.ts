import { Indexed, IstioObject } from './indexed';
import { followers, fullGateway, Hop } from './routes';
import { selects, selectorsOverlap } from './selectors';
import { Server, ServiceSpec } from './specs';
import { podTemplateOf } from '../istio/pod-templates';
import { groupBy, Grouping, valueIn } from '../values/grouping';

type Gateway = IstioObject<'Gateway'>;

/** What it reads of an index. */
interface Manifests {
  readonly services: readonly Indexed<ServiceSpec>[];
  readonly podTemplates: readonly Indexed[];
  readonly gatewaysByName: ReadonlyMap<string, Gateway>;
  ofKind(kind: 'Gateway'): readonly Gateway[];
}

/** Which Gateways serve what routes send to a gateway's Service. */
export class GatewayHops {
  private readonly services: ReadonlyMap<string, ServiceSpec>;
  private readonly ofNamespace: Grouping<string, Gateway>;
  private readonly bySelector = new Map<string, readonly string[]>();
  private readonly byService = new Map<string, readonly Gateway[]>();

  constructor(private readonly index: Manifests) {
    this.services = new Map(index.services.map(({ namespace, name, spec }) => [`${namespace}/${name}`, spec]));
    this.ofNamespace = groupBy(index.ofKind('Gateway'), ({ namespace }) => namespace);
  }

  /** The Gateways with a server on the port of a hop, and all their servers there. */
  public serving(hop: Hop): { readonly gateways: readonly Gateway[]; readonly servers: readonly Server[] } {
    const isOnPort = (server: Server) => server.port?.number === hop.port;
    const gateways = this.behind(hop).filter(({ spec }) => spec.servers?.some(isOnPort));
    return { gateways, servers: gateways.flatMap(({ spec }) => spec.servers!.filter(isOnPort)) };
  }

  /** The namespaces of the pods that follow a route, if only gateways do and the manifests tell where their pods are. */
  public placesOf({ virtualService, route }: Hop): readonly string[] | undefined {
    if (this.index.podTemplates.length === 0) return undefined;
    const { sidecars, gateways } = followers(virtualService, route);
    const places = gateways.map((name) =>
      this.podPlaces(this.index.gatewaysByName.get(fullGateway(name, virtualService.namespace))),
    );
    return sidecars || places.length === 0 || places.some((one) => one.length === 0) ? undefined : places.flat();
  }

  private podPlaces(gateway: Gateway | undefined): readonly string[] {
    const selector = gateway?.spec.selector;
    if (!selector) return [];
    return valueIn(this.bySelector, JSON.stringify(selector), () => {
      const templates = this.index.podTemplates.filter(({ manifest }) =>
        selects(selector, podTemplateOf(manifest)?.metadata?.labels),
      );
      return [...new Set(templates.map(({ namespace }) => namespace))];
    });
  }

  /**
   * The Gateways that open their servers on the pods to which a hop leads, wherever these Gateways are. If the Service is
   * not among the manifests, these are the Gateways of its namespace, and those that the VirtualService itself binds.
   */
  private behind({ virtualService, host }: Hop): readonly Gateway[] {
    const [name, namespace, svc] = host.split('.');
    if (svc !== 'svc') return [];
    const id = `${namespace}/${name}`;
    const service = this.services.get(id);
    if (service) return valueIn(this.byService, id, () => this.onPodsOf(namespace, service));
    const own = this.ofNamespace.get(namespace);
    const bound = (virtualService.spec.gateways ?? []).flatMap(
      (written) => this.index.gatewaysByName.get(fullGateway(written, virtualService.namespace)) ?? [],
    );
    return [...own, ...bound.filter((gateway) => gateway.namespace !== namespace)];
  }

  /** In another namespace than the pods' own, a selector counts only if they certainly have all its labels. */
  private onPodsOf(namespace: string, { selector }: ServiceSpec): Gateway[] {
    const templates = this.index.podTemplates
      .filter((one) => one.namespace === namespace)
      .map(({ manifest }) => podTemplateOf(manifest)?.metadata?.labels)
      .filter((labels) => selector && selects(selector, labels));
    const labels = [selector ?? {}, ...templates];
    return this.index
      .ofKind('Gateway')
      .filter(({ namespace: own, spec: { selector: wanted } }) =>
        own === namespace
          ? selectorsOverlap(wanted, selector)
          : wanted !== undefined && labels.some((one) => selects(wanted, one)),
      );
  }
}
