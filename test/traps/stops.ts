/** Traps that stop synth: what a user writes, and what the error says. */
import { ApiObject, Chart } from 'cdk8s';
import { DirectEgress } from '../../src/constructs/direct-egress';
import { GatewayEgress } from '../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { RegistryOnlyMesh } from '../../src/constructs/registry-only-mesh';
import { SidecarEgress } from '../../src/constructs/sidecar-egress';
import { Caller } from '../../src/values/caller';
import { EgressPort } from '../../src/values/egress-port';
import { GatewayInstallation } from '../../src/values/gateway-installation';
import { EgressResolution } from '../../src/values/traffic-options';

export interface Stopped {
  readonly trap: number;
  readonly name: string;
  /** What a user writes into a chart for namespace payments. */
  readonly write: (chart: Chart) => void;
  /** What the error says. */
  readonly says: RegExp;
}

const installation = GatewayInstallation.helmChart({ namespace: 'egress' });

/** A host through the gateway, for one caller. */
export function partner(chart: Chart, id = 'partner', hosts = ['api.partner.com']): GatewayEgress {
  return new GatewayEgress(chart, id, {
    hosts,
    gateway: InstalledEgressGateway.fromInstallation(chart, `${id}-exit`, installation),
    callers: [Caller.serviceAccount('payments', 'checkout')],
  });
}

/** Another author's object in the app. */
export function object(chart: Chart, kind: string, metadata: object, spec: object): ApiObject {
  return new ApiObject(chart, `own-${kind}-${(metadata as any).name}`, {
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata,
    spec,
  } as any);
}

/** Traps refused by a constructor or a factory. */
export const STOPPED: Stopped[] = [
  {
    trap: 35,
    name: 'a wildcard with resolution DNS',
    write: (chart) => new SidecarEgress(chart, 'x', { hosts: ['*.example.com'], resolution: EgressResolution.DNS }),
    says: /resolution: not for \*\.example\.com/,
  },
  {
    trap: 36,
    name: 'a wildcard with endpoints',
    write: (chart) => new SidecarEgress(chart, 'x', { hosts: ['*.example.com'], endpoints: ['203.0.113.7'] }),
    says: /endpoints: not for \*\.example\.com/,
  },
  {
    trap: 37,
    name: 'a wildcard through a gateway',
    write: (chart) => partner(chart, 'x', ['*.example.com']),
    says: /"\*\.example\.com" is a wildcard/,
  },
  {
    trap: 38,
    name: 'a wildcard whose TLS is originated, which needs a subset',
    write: (chart) => new SidecarEgress(chart, 'x', { hosts: ['*.example.com'] }).originateTls('tls'),
    says: /builds no subsets/,
  },
  {
    trap: 40,
    name: 'a wildcard before Istio 1.30',
    write: (chart) => new SidecarEgress(chart, 'x', { hosts: ['*.example.com'], istioVersion: '1.29' }),
    says: /Istio 1\.29 cannot do wildcard hosts at the sidecar .*1\.30 and later can/,
  },
  {
    trap: 41,
    name: 'a TCP port without addresses',
    write: (chart) => new SidecarEgress(chart, 'x', { hosts: ['db.example.com'], ports: [EgressPort.tcp(5432)] }),
    says: /takes every connection of the namespace on that port/,
  },
  {
    trap: 42,
    name: 'the second host on a TCP port, without addresses',
    write: (chart) => {
      new SidecarEgress(chart, 'one', {
        hosts: ['one.example.com'],
        ports: [EgressPort.tcp(5432)],
        addresses: ['203.0.113.7'],
      });
      new SidecarEgress(chart, 'two', { hosts: ['two.example.com'], ports: [EgressPort.tcp(5432)] });
    },
    says: /\[chart\/two\].*takes every connection/,
  },
  { trap: 45, name: 'HTTP on 443', write: () => EgressPort.http(443), says: /clients speak TLS on port 443/ },
  {
    trap: 54,
    name: "the mesh's default with a selector",
    write: (chart) =>
      new RegistryOnlyMesh(chart, 'x', { workloads: [{ namespace: 'istio-system', labels: { app: 'x' } }] }),
    says: /acts on pods there only, not on the mesh/,
  },
  {
    trap: 66,
    name: 'an IP address as a host',
    write: (chart) => new SidecarEgress(chart, 'x', { hosts: ['203.0.113.7'] }),
    says: /"203\.0\.113\.7" is an IP address/,
  },
  {
    trap: 71,
    name: 'a range without a prefix length, and two ranges in one string',
    write: (chart) =>
      new DirectEgress(chart, 'x', { workloads: [chart], toCidrs: ['203.0.113.7', '203.0.113.0/24, 10.0.0.0/8'] }),
    says: /toCidrs\[0\]: "203\.0\.113\.7"[^]*toCidrs\[1\]: "203\.0\.113\.0\/24, 10\.0\.0\.0\/8"/,
  },
  {
    trap: 88,
    name: 'a port that the sidecar itself uses',
    write: () => EgressPort.http(15001),
    says: /the sidecar itself listens on port 15001/,
  },
  {
    trap: 90,
    name: 'a wildcard for an old istiod',
    write: (chart) => new SidecarEgress(chart, 'x', { hosts: ['*.example.com'], istioVersion: '1.29.0' }),
    says: /Istio 1\.29 cannot do wildcard hosts/,
  },
];
