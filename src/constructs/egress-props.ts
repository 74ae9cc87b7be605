import { Duration } from 'cdk8s';
import { EgressPort } from '../values/egress-port';
import {
  EgressConnectionPool,
  EgressLoadBalancing,
  EgressOutlierDetection,
  EgressRetries,
} from '../values/traffic-options';

/** Properties that `SidecarEgress` and `GatewayEgress` have in common. */
export interface CommonEgressProps {
  /**
   * Fully qualified, lower-case names of external hosts, without port or path. At least one, none twice.
   *
   * A `SidecarEgress` also accepts wildcards such as `*.example.com`, which stands for all names below `example.com`
   * (Istio 1.30 and later). They are resolved by the name in each request, and TLS cannot be originated for them.
   */
  readonly hosts: string[];

  /**
   * The ports of these hosts and the protocol that applications speak on each. Others are undeclared. At least
   * one.
   *
   * @default - HTTP on 80 and TLS on 443
   * @example
   * new SidecarEgress(chart, 'api', {
   *   hosts: ['api.example.com'],
   *   ports: [EgressPort.tls(), EgressPort.http(8080), EgressPort.grpc(50051)],
   * });
   */
  readonly ports?: EgressPort[];

  /**
   * States that the callers' sidecars answer DNS (`ISTIO_META_DNS_CAPTURE: "true"` in their proxy metadata). The hosts
   * then get an address that represents them inside the mesh, so that TCP ports need no `addresses`. If the sidecars do
   * not answer DNS, TCP calls are refused. Makes no difference without TCP ports.
   *
   * @default false
   * @example
   * new SidecarEgress(chart, 'db', { hosts: ['db.example.com'], ports: [EgressPort.tcp(5432)], dnsCapture: true });
   * @see https://istio.io/latest/docs/ops/configuration/traffic-management/dns-proxy/
   */
  readonly dnsCapture?: boolean;

  /**
   * The release of Istio in the cluster, such as `1.30` or `1.30.3`; 1.29 or later. Features that it does not have are
   * refused.
   *
   * @default - the context value `istioVersion` of the app (`app.node.setContext('istioVersion', '1.30')`), otherwise
   * the newest release on which the constructs are proven
   */
  readonly istioVersion?: string;

  /**
   * The team or app that declares these hosts: a DNS label, part of the names of all objects, and their label
   * `cdk8s-istio-egress/owner`. Two apps need different owners if they declare, for the same namespace, the same host
   * or callers that a policy checks (`GatewayRefusal.FORBIDDEN`, whole namespaces). Otherwise they overwrite each
   * other's objects.
   *
   * @default - the namespace of the chart
   */
  readonly owner?: string;

  /**
   * The timeout of an HTTP request, including all retries; at least one millisecond. Only with a port that speaks HTTP.
   * It begins when the request is complete: it ends no WebSocket, and no request whose body stays unfinished.
   *
   * @default - no timeout
   */
  readonly timeout?: Duration;

  /**
   * How often, and after which failures, an HTTP request is retried. Only with a port that speaks HTTP.
   *
   * @default - Istio's: up to two retries, after the failures that are the default of `on`
   * @example
   * new SidecarEgress(chart, 'api', {
   *   hosts: ['api.example.com'],
   *   timeout: Duration.seconds(5),
   *   retries: { attempts: 2, perTryTimeout: Duration.seconds(2), on: ['gateway-error', 'connect-failure'] },
   * });
   */
  readonly retries?: EgressRetries;

  /**
   * When an address of the host is not used for a while.
   *
   * @default - never
   * @example
   * new SidecarEgress(chart, 'api', {
   *   hosts: ['api.example.com'],
   *   outlierDetection: { consecutive5xxErrors: 5, maxEjectionPercent: 100 }, // 100: the only address, too
   * });
   */
  readonly outlierDetection?: EgressOutlierDetection;

  /**
   * Limits for connections to the host.
   *
   * @default - Istio's defaults
   * @example
   * new SidecarEgress(chart, 'api', {
   *   hosts: ['api.example.com'],
   *   connectionPool: { maxConnections: 100, connectTimeout: Duration.seconds(2) },
   * });
   */
  readonly connectionPool?: EgressConnectionPool;

  /**
   * How requests are distributed over the host's addresses.
   *
   * @default - Istio's default, EgressLoadBalancing.LEAST_REQUEST
   */
  readonly loadBalancing?: EgressLoadBalancing;

  /**
   * Further request headers that must not reach the host, by their lower-case names. Headers that proxies add are
   * removed as well. Only with a port that speaks HTTP. A request that is sent again has `grpc-timeout` all the same.
   *
   * @default - no further headers
   */
  readonly removeHeaders?: string[];

  /**
   * Request headers that proxies add and that may reach the host although they tell about the mesh. Recorded on the
   * objects for the host as the annotation `cdk8s-istio-egress/unsafe`.
   *
   * @default - none: identities, pod addresses and mesh metadata are removed
   */
  readonly unsafeKeepHeaders?: string[];

  /**
   * Allows hosts that name something inside: the pod itself (`localhost.localdomain`), a Service of the cluster
   * (`kubernetes.default`), the machine (`metadata.google.internal`). The proxy connects to them in the place of the
   * caller. Recorded on the objects for such a host as the annotation `cdk8s-istio-egress/unsafe`. Only with such a host
   * or endpoint.
   *
   * @default false
   */
  readonly unsafeInternalHosts?: boolean;

  /**
   * The beginning of the objects' names, a DNS label. The names end in a key made of owner, host and gateway, so they
   * stay unique.
   *
   * @default - the host
   */
  readonly namePrefix?: string;

  /**
   * Labels for all objects of this construct, in addition to those of the chart.
   *
   * @default - none
   */
  readonly labels?: Record<string, string>;

  /**
   * Annotations for all objects of this construct.
   *
   * @default - none
   */
  readonly annotations?: Record<string, string>;
}
