/** Why some mutants change no answer of the model: the one place where that is written. The first that matches counts. */
export interface Reason {
  /** Kind and field, as `mutants` labels them. */
  readonly fields: RegExp;
  readonly reason: string;
  /** The answer has no field for it. What requests show of it is tested elsewhere, as the reason says. */
  readonly isHidden?: true;
}

export const WITHOUT_EFFECT: readonly Reason[] = [
  // What the answer cannot tell, although a host or a caller can.
  {
    fields: /http\.\*\.(retries|timeout)/,
    reason: 'counts only where a connection fails or is slow: suite `robustness`',
    isHidden: true,
  },
  {
    fields: /connectionPool/,
    reason: 'time limits and HTTP/2 to a host that speaks both: suites `robustness` and `examples` see them',
  },
  {
    fields: /^Telemetry /,
    reason: 'trace headers that a gateway would write are no part of an answer: suite `tracing`',
    isHidden: true,
  },

  // What another author's object would have to be there for.
  {
    fields: /^AuthorizationPolicy /,
    reason:
      "refuses what another author's Gateway lets through on the same pods; only `own-gateway` has such a Gateway: " +
      'its rows, and suite `foreign-objects`',
  },
  {
    fields: /^Gateway selector/,
    reason:
      'the labels left select the same pods of the only gateway there is; rule gateway-without-selector finds a ' +
      'Gateway without any',
  },
  {
    fields: /exportTo/,
    reason:
      "no other namespace of the example asks for the host or the gateway's Service by the same name; where other " +
      'authors do, rules public-route-takes-host and destination-rule-conflict, and suites `beside` and ' +
      '`foreign-objects`',
  },

  // What another field decides as well.
  { fields: /^ServiceEntry ports\.\*\.name changed/, reason: 'the protocol is written, so the name decides nothing' },
  { fields: /^Gateway servers\.\*\.port\.name changed/, reason: 'any name that no other server of the pods has' },
  { fields: /ports\.\*\.protocol removed/, reason: "the port's name begins with the same protocol" },
  {
    fields: /^ServiceEntry location/,
    reason:
      "MESH_EXTERNAL is the default, and endpoints without a sidecar get no mutual TLS in either; Istio's own " +
      'metadata headers, which depend on it, are removed by name',
  },
  {
    fields: /headers\.request\.remove\.\*/,
    reason:
      'both hops remove the same names, of which some are written at only one of them (client certificate, name of the ' +
      'operation), or only where the route has a time limit: suite `leaks`',
  },
  {
    fields: /^VirtualService gateways\.\* removed/,
    reason: 'without gateways, `mesh` is meant',
  },
  {
    fields: /^VirtualService .*port(\.number)? removed/,
    reason: "the host, the gateway's server or the Service has one port for which the route can be asked",
  },
  {
    fields: /^Gateway servers\.\*\.tls\.mode removed/,
    reason: 'PASSTHROUGH, which it says, is what an empty block means',
  },
  { fields: /^Sidecar outboundTrafficPolicy\.mode removed/, reason: 'REGISTRY_ONLY is what an empty block means' },
  { fields: /tls\.caCertificates removed/, reason: "`system` is istiod's default too" },
  {
    fields: /^ServiceEntry (resolution|addresses|endpoints)/,
    reason:
      'requests to the host are sent to a gateway, or the caller has resolved the name itself to the address that the ' +
      'entry has; where the dialled address would count, a row with `dial` notices it',
  },
  {
    fields: /^ServiceEntry ports/,
    reason: "the host's only route leads to the gateway or to an internal alias, which are found by other fields",
  },
  {
    fields: /subjectAltNames/,
    reason: "names a service account that the table has no caller for; the constructs' own tests compare the list",
  },
  {
    fields: /^VirtualService .*(subset|match\.\*(\.gateways\.\*|\.sniHosts\.\*)?) removed/,
    reason: 'what is left of the route is for the same gateway and the same host',
  },
  { fields: /tls\.sni removed/, reason: 'the server name is then that of the request, which is rewritten to the same' },
];

export function reasonFor(label: string): Reason | undefined {
  return WITHOUT_EFFECT.find(({ fields }) => fields.test(label));
}

export function isHidden(label: string): boolean {
  return reasonFor(label)?.isHidden ?? false;
}
