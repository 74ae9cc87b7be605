import { App, Chart } from 'cdk8s';
import {
  Caller,
  EgressPort,
  GatewayEgress,
  GatewayInstallation,
  InstalledEgressGateway,
  SidecarEgress,
} from 'cdk8s-istio-egress';

const app = new App();

const platform = new Chart(app, 'platform', { namespace: 'egress' });
const exit = new InstalledEgressGateway(platform, 'exit', {
  installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
});

const ports = [EgressPort.http(), EgressPort.http2(8081), EgressPort.grpc(50051), EgressPort.tls()];

// Directly from the sidecars: plain HTTP, HTTP/2 and gRPC leave as TLS; gRPC and HTTP/2 stay HTTP/2.
const shop = new Chart(app, 'shop', { namespace: 'shop' });
new SidecarEgress(shop, 'api', { hosts: ['api.example.com'], ports }).originateTls('tls');

// The same through the gateway.
const billing = new Chart(app, 'billing', { namespace: 'billing' });
const api = new GatewayEgress(billing, 'api', {
  gateway: exit,
  hosts: ['api.example.com'],
  ports,
  callers: [Caller.serviceAccount('billing', 'invoices')],
});
api.originateTls('tls');

app.synth();
