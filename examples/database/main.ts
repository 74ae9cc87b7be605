import { App, Chart } from 'cdk8s';
import { Caller, EgressPort, GatewayEgress, GatewayInstallation, InstalledEgressGateway } from 'cdk8s-istio-egress';

const app = new App();

const platform = new Chart(app, 'platform', { namespace: 'egress' });
const exit = new InstalledEgressGateway(platform, 'exit', {
  installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
});

// A TCP connection carries no name. Here the address that it dials says which database is meant.
const shop = new Chart(app, 'shop', { namespace: 'shop' });
new GatewayEgress(shop, 'orders', {
  gateway: exit,
  hosts: ['orders.db.example.com'],
  ports: [EgressPort.tcp(5432)],
  addresses: ['203.0.113.50'],
  callers: [Caller.serviceAccount('shop', 'checkout')],
});
new GatewayEgress(shop, 'stock', {
  gateway: exit,
  hosts: ['stock.db.example.com'],
  ports: [EgressPort.tcp(5432)],
  addresses: ['203.0.113.51'],
  callers: [Caller.serviceAccount('shop', 'checkout')],
});

// The sidecars of this namespace answer DNS, so no address has to be given.
const reports = new Chart(app, 'reports', { namespace: 'reports' });
new GatewayEgress(reports, 'databases', {
  gateway: exit,
  hosts: ['orders.db.example.com', 'stock.db.example.com'],
  ports: [EgressPort.tcp(5432)],
  dnsCapture: true,
  callers: [Caller.serviceAccount('reports', 'analyst')],
});

app.synth();
