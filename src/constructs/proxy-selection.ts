import { IEgressGateway } from './i-egress-gateway';

/** Which proxies a Telemetry is for: the sidecars of a namespace, or the pods of a gateway. */
export interface ProxySelection {
  /**
   * The namespace whose sidecars are meant. Not together with a `gateway` in another namespace.
   *
   * @default - the namespace of the chart
   */
  readonly namespace?: string;

  /**
   * The gateway whose pods are meant, instead of the sidecars of a namespace.
   *
   * @default - none
   */
  readonly gateway?: IEgressGateway;

  /**
   * Labels for the object, in addition to those of the chart.
   *
   * @default - none
   */
  readonly labels?: Record<string, string>;

  /**
   * Annotations for the object.
   *
   * @default - none
   */
  readonly annotations?: Record<string, string>;
}
