import { App, Chart } from 'cdk8s';
import {
  Caller,
  GatewayEgress,
  GatewayInstallation,
  InstalledEgressGateway,
  RegistryOnlyMesh,
} from 'cdk8s-istio-egress';

const app = new App();

// The platform team: undeclared hosts are refused everywhere, and all teams share one egress gateway.
const platform = new Chart(app, 'platform', { namespace: 'egress' });
new RegistryOnlyMesh(platform, 'lock');
const exit = new InstalledEgressGateway(platform, 'exit', {
  installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
});

// Team x may reach example.com, and nothing else.
const teamX = new Chart(app, 'team-x', { namespace: 'team-x' });
new GatewayEgress(teamX, 'example', {
  gateway: exit,
  hosts: ['example.com'],
  callers: [Caller.serviceAccount('team-x', 'app')],
}).originateTls('tls');

// Team y may reach httpbin.org, and nothing else.
const teamY = new Chart(app, 'team-y', { namespace: 'team-y' });
new GatewayEgress(teamY, 'httpbin', {
  gateway: exit,
  hosts: ['httpbin.org'],
  callers: [Caller.serviceAccount('team-y', 'app')],
}).originateTls('tls');

app.synth();
