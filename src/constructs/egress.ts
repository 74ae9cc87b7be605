import { ApiObject, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { OriginationScope, OriginationSettings } from './_origination';
import { TlsOrigination, TlsOriginationOptions } from './tls-origination';
import { EgressPort } from '../values/egress-port';
import { Problems } from '../values/problems';
import {
  EgressConnectionPool,
  EgressLoadBalancing,
  EgressOutlierDetection,
  EgressRetries,
} from '../values/traffic-options';

/** What `SidecarEgress` and `GatewayEgress` have in common. */
export interface CommonEgressProps {
  /**
   * Fully qualified, lower-case names of external hosts. For a `SidecarEgress` also `*.example.com`, which stands for
   * every name below `example.com` (Istio 1.30 and later); it is looked up by the name in each request, and TLS cannot
   * be originated for it.
   */
  readonly hosts: string[];

  /**
   * What applications speak on which ports of these hosts. Whatever is not declared here is not reachable.
   *
   * @default - HTTP on 80 and TLS on 443
   */
  readonly ports?: EgressPort[];

  /**
   * States that the callers' sidecars answer DNS (`ISTIO_META_DNS_CAPTURE: "true"` in their proxy metadata). Then the
   * hosts get an address that stands for them inside the mesh, and TCP ports need no `addresses`. Where sidecars do not
   * answer DNS, TCP calls are refused.
   *
   * @default false
   * @see https://istio.io/latest/docs/ops/configuration/traffic-management/dns-proxy/
   */
  readonly dnsCapture?: boolean;

  /**
   * The release of Istio that this is for, such as `1.30`. What it cannot do is refused.
   *
   * @default - what the app says once with `app.node.setContext('istioVersion', '1.30')`, else the newest that the
   * constructs are proven on
   */
  readonly istioVersion?: string;

  /**
   * Who declares this: part of the names of all objects, so that declarations of different owners never meet.
   * A DNS label. Two apps that declare the same host for the same namespace need different owners.
   *
   * @default - the namespace of the chart
   */
  readonly owner?: string;

  /**
   * Time for a whole HTTP request, with all its retries.
   *
   * @default - no limit
   */
  readonly timeout?: Duration;

  /**
   * How often and when a failed HTTP request is tried again.
   *
   * @default - Istio's default: up to two more times, when no connection came about
   */
  readonly retries?: EgressRetries;

  /**
   * When an address of the host is left out for a while.
   *
   * @default - never
   */
  readonly outlierDetection?: EgressOutlierDetection;

  /**
   * Limits on connections to the host.
   *
   * @default - Istio's defaults
   */
  readonly connectionPool?: EgressConnectionPool;

  /**
   * How requests are spread over the host's addresses.
   *
   * @default - Istio's default, least requests
   */
  readonly loadBalancing?: EgressLoadBalancing;

  /**
   * Request headers, in lower case, that shall not reach the host, besides those that proxies add.
   *
   * @default - none besides
   */
  readonly removeHeaders?: string[];

  /**
   * Request headers added by proxies that shall reach the host although they tell about the mesh.
   * Written on the objects as the annotation `cdk8s-istio-egress/unsafe`.
   *
   * @default - none: identity, pod addresses and mesh metadata stay inside
   */
  readonly unsafeKeepHeaders?: string[];

  /**
   * What the names of the objects begin with. They end in a key made of owner, host and gateway, so they stay unique.
   *
   * @default - the host
   */
  readonly namePrefix?: string;

  /**
   * Labels on every object of this construct.
   *
   * @default - those of the chart
   */
  readonly labels?: Record<string, string>;

  /**
   * Annotations on every object of this construct.
   *
   * @default - none
   */
  readonly annotations?: Record<string, string>;
}

/**
 * External hosts that are reachable from inside the mesh: a `SidecarEgress` or a `GatewayEgress`.
 */
export abstract class Egress extends Construct {
  /** The external hosts. */
  public abstract readonly hosts: string[];

  /** Every object made so far for these hosts, in the order in which it can be applied. */
  public abstract readonly apiObjects: ApiObject[];

  /**
   * Sends plain HTTP to some or all of the hosts out as TLS. The same as `new TlsOrigination(this, id, { egress: this,
   * ...options })`.
   *
   * @param id the id of the new construct
   * @param options which hosts, whose certificates
   */
  public originateTls(id: string, options: TlsOriginationOptions = {}): TlsOrigination {
    return new TlsOrigination(this, id, { ...options, egress: this });
  }

  /**
   * Checks what a TLS origination asks for and reports what this way out cannot do.
   *
   * @internal
   */
  public abstract _checkOrigination(options: TlsOriginationOptions, problems: Problems): void;

  /**
   * What originates TLS for one host already.
   *
   * @internal
   */
  public abstract _originatorOf(host: string, wanted: OriginationScope): string | undefined;

  /**
   * Originates TLS for one host, and returns the rules that do it.
   *
   * @internal
   */
  public abstract _originate(host: string, by: TlsOrigination, settings: OriginationSettings): ApiObject[];
}
