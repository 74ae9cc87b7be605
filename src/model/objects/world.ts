import { UndatedAge } from './ages';
import {
  AccessTable,
  GatewayPods,
  LabelSelector,
  MeshSettings,
  ExternalHost,
  TableCaller,
  TableConfigMap,
  TableSecret,
} from '../../access/access-table';
import { placedHosts } from '../../access/placed-hosts';
import { DEFAULT_CLUSTER_DOMAIN } from '../../istio/service-names';

/**
 * The environment of the manifests. An access table describes all of it (`worldOf(table)`). Without one, the model
 * reads what it can from the manifests, assumes the usual for the rest, and lists its assumptions in the answer.
 */
export interface World {
  readonly mesh?: MeshSettings;
  /** The mesh configuration's default `exportTo`, by kind. @default - every namespace */
  readonly defaultExportTo?: Partial<Record<'services' | 'virtualServices' | 'destinationRules', readonly string[]>>;
  /** All gateways. @default - read from the manifests, or assumed for well-known names */
  readonly gateways?: readonly GatewayPods[];
  /** All workloads that make requests. @default - unknown */
  readonly workloads?: readonly TableCaller[];
  /** All external hosts. @default - every host answers 200 with a good certificate */
  readonly external?: readonly DescribedHost[];
  /** All Secrets that are not among the manifests. @default - every Secret is assumed to exist and to be right */
  readonly secrets?: readonly TableSecret[];
  /** All ConfigMaps that are not among the manifests. @default - as for Secrets */
  readonly configMaps?: readonly TableConfigMap[];
  /**
   * How old objects without a `creationTimestamp` are.
   *
   * @default - unknown: where it changes an answer, the answer is undetermined
   */
  readonly undatedAge?: UndatedAge;
  /** Selects the namespaces that istiod reads, by their labels (`discoverySelectors` of the mesh). @default - all */
  readonly discoverySelectors?: readonly LabelSelector[];
  /**
   * The minor release of Istio, such as `1.30`, where releases differ in what they admit. An access table that does not
   * say it means the newest that the model knows.
   *
   * @default - unknown: where it changes an answer, the answer has a condition
   */
  readonly istioVersion?: string;
  /** The external authorizers that policies can name (`extensionProviders` of the mesh). @default - unknown */
  readonly authorizers?: readonly string[];
  /** Gateways that exist and need not be among the manifests. Unlike `gateways` it may be incomplete. */
  readonly knownGateways?: readonly KnownGateway[];
  /**
   * Whether the Secrets, ConfigMaps and files that TLS settings name exist, proxies may read them, and hosts accept
   * them.
   *
   * @default - unknown: answers that need them have a condition
   */
  readonly goodCredentials?: boolean;
  /**
   * Whether every host is where ServiceEntries (`addresses`, `endpoints`) and pods (`hostAliases`) say, and nowhere else.
   *
   * @default - unknown: where it changes an answer, the answer has a condition
   */
  readonly declaredAddresses?: boolean;
  /**
   * Whether hosts speak HTTP/2 without TLS on ports that are declared as GRPC or HTTP2.
   *
   * @default - unknown: answers that need it have a condition
   */
  readonly declaredProtocols?: boolean;
  /**
   * Whether the policies of network plug-ins, such as CiliumNetworkPolicies, let all connections through.
   *
   * @default - unknown: where there are some, answers have a condition
   */
  readonly openNetwork?: boolean;
  /**
   * Whether a Service that every sidecar sees has an HTTP port 80, as Istio's ingress gateway does. Without one,
   * plaintext to port 80 of undeclared and of captured hosts is treated as bytes.
   *
   * @default - unknown: where it changes an answer, the answer is undetermined
   */
  readonly httpPort80?: boolean;
  /** Settings of the mesh that may decide an answer and that the model does not know, as Helm values name them. */
  readonly unknownSettings?: readonly string[];
}

/** An external host of which the world says how it behaves. */
export interface DescribedHost extends ExternalHost {
  /** All its addresses, where it has several. */
  readonly addresses?: readonly string[];
  /** Whether it stands for an address that a row dials, and that nobody names. */
  readonly isUnnamed?: true;
}

/** A gateway as Istio's Helm chart or `istioctl` installs it, unless it says otherwise. */
export interface KnownGateway {
  readonly name: string;
  readonly namespace: string;
  /** @default - `app: <name>` and `istio: <name without istio->` */
  readonly labels?: Record<string, string>;
  /**
   * @default - the gateway's name, as with the Helm chart; where callers expect another one, answers have a condition
   */
  readonly serviceAccount?: string;
  /** The pod port behind port 443. @default 443, as with the Helm chart */
  readonly targetPort?: number;
}

/**
 * The world of an access table, which is complete: nothing exists that the table does not list. Hosts without an
 * address get one, and every address that a row dials gets a host.
 */
export function worldOf(table: AccessTable): World {
  const { mesh, gateways = [], callers, secrets = [], configMaps = [] } = table;
  const { hosts, strays } = placedHosts(table);
  return {
    mesh: {
      ...mesh,
      outboundTrafficPolicy: mesh?.outboundTrafficPolicy ?? 'ALLOW_ANY',
      clusterDomain: mesh?.clusterDomain ?? DEFAULT_CLUSTER_DOMAIN,
    },
    gateways,
    workloads: callers,
    external: [
      ...hosts,
      ...strays.map((address, index): DescribedHost => ({
        host: `stray-${index}.invalid`,
        isUnnamed: true,
        address,
        addresses: [address],
        http: 'ok',
        https: 'ok',
      })),
    ],
    secrets,
    configMaps,
    authorizers: [],
  };
}
